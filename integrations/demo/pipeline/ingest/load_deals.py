"""Loads the deals that the CRM closed on the day, from its PostgreSQL database."""

from __future__ import annotations

import os

import psycopg
import pyarrow as pa
from table_writer import append_once

QUERY = """
select d.deal_id, d.account_id, a.account_name, a.segment, d.stage, d.deal_usd, d.closed_on, d.exported_at
from public.deals d join public.accounts a using (account_id)
where d.closed_on = %s order by d.deal_id
"""
SCHEMA = pa.schema(
    [
        ("deal_id", pa.int64()),
        ("account_id", pa.int64()),
        ("account_name", pa.string()),
        ("segment", pa.string()),
        ("stage", pa.string()),
        ("deal_usd", pa.decimal128(14, 2)),
        ("closed_on", pa.date32()),
        ("exported_at", pa.timestamp("us")),
    ]
)


def main() -> None:
    with psycopg.connect(os.environ["CRM_DSN"], connect_timeout=10) as crm:
        rows = crm.execute(QUERY, [os.environ["RUN_DATE"]]).fetchall()
    columns = [pa.array([row[i] for row in rows], field.type) for i, field in enumerate(SCHEMA)]
    append_once("raw.deals", pa.table(columns, schema=SCHEMA))


if __name__ == "__main__":
    main()
