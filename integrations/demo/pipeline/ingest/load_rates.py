"""Loads the day's exchange rates from the treasury's HTTP service."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from table_writer import append_once

TIMEOUT_S = 10
SCHEMA = pa.schema(
    [
        ("rate_date", pa.date32()),
        ("currency", pa.string()),
        ("usd_rate", pa.decimal128(12, 6)),
        ("exported_at", pa.timestamp("us")),
    ]
)


def fetch(day: str) -> dict[str, Any]:
    url = f"{os.environ['RATES_URL']}/v1/quotes?date={day}"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            body: dict[str, Any] = json.load(answer)
            return body
    except urllib.error.HTTPError as error:
        wait, text = error.headers.get("Retry-After", ""), error.read().decode("utf-8", "replace").strip()
        raise SystemExit(f"GET {url} -> HTTP {error.code} {error.reason}; Retry-After: {wait}; {text}") from error


def main() -> None:
    answer = fetch(os.environ["RUN_DATE"])
    day, at = date.fromisoformat(answer["date"]), datetime.fromisoformat(answer["published"])
    rows = [(day, code, Decimal(quote), at) for code, quote in sorted(answer["quotes"].items())]
    columns = [pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), SCHEMA, strict=True)]
    append_once("raw.rates", pa.table(columns, schema=SCHEMA))


if __name__ == "__main__":
    main()
