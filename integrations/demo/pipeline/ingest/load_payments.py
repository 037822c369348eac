"""Loads the day's payments, which the shop exports as one parquet file a day."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow.parquet as pq
from table_writer import append_once


def main() -> None:
    folder = Path(os.environ["LANDING"]) / os.environ["RUN_DATE"]
    append_once("raw.payments", pq.read_table(folder / "payments.parquet"))


if __name__ == "__main__":
    main()
