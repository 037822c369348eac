"""Loads the day's lines of the planning sheet, which planners export as CSV."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
from pyarrow import csv
from table_writer import append_once

TYPES = {
    "plan_date": pa.date32(),
    "ship_country": pa.string(),
    "target_usd": pa.decimal128(14, 2),
    "exported_at": pa.timestamp("us"),
}


def main() -> None:
    path = Path(os.environ["LANDING"]) / os.environ["RUN_DATE"] / "planning_sheet.csv"
    append_once("raw.planning_sheet", csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=TYPES)))


if __name__ == "__main__":
    main()
