"""A script, the only one of the demo beside its pipeline that opens the lake: started as a process, imported by nobody.

`rename TABLE OLD NEW` renames a column for every reader at once · `drop-rows TABLE COLUMN VALUE` · `dedupe TABLE KEY` ·
`contents` prints asset uri to the sha256 of its sorted rows.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable

import duckdb
import pyarrow as pa
from pyiceberg.catalog import Catalog, load_catalog

MARTS = "select table_name from information_schema.tables where table_schema = 'main' and table_type = 'BASE TABLE'"


def open_lake() -> Catalog:
    uri, warehouse = os.environ["LAKE_CATALOG_URI"], os.environ["LAKE_WAREHOUSE"]
    return load_catalog("lake", type="sql", uri=uri, warehouse=warehouse)


def rename(name: str, old: str, new: str) -> None:
    table = open_lake().load_table(name)
    if old in table.schema().column_names:
        table.update_schema().rename_column(old, new).commit()


def drop_rows(name: str, column: str, value: str) -> None:
    open_lake().load_table(name).delete(f"{column} = '{value}'")


def dedupe(name: str, key: str) -> None:
    """Keep one row per key; the table is left alone when every key is single."""
    table = open_lake().load_table(name)
    rows = table.scan().to_arrow()
    first = rows.append_column("_place", pa.array(range(rows.num_rows))).group_by(key).aggregate([("_place", "min")])
    kept = rows.take(first["_place_min"])
    if kept.num_rows < rows.num_rows:
        table.overwrite(kept)


def contents() -> None:
    """Raw tables from the lake and relations of the warehouse's main schema, from a copy that locks nobody out."""
    lake, found = open_lake(), dict[str, str]()
    for _, name in lake.list_tables("raw"):
        found[f"iceberg://lake/raw.{name}"] = digest(lake.load_table(f"raw.{name}").scan().to_arrow())
    with duckdb.connect(os.environ["DUCKDB_PATH"], read_only=True) as warehouse:
        for (name,) in warehouse.execute(MARTS).fetchall():
            rows = warehouse.table(f"main.{name}").to_arrow_table()
            found[f"duckdb://warehouse/main.{name}"] = digest(rows)
    sys.stdout.write(json.dumps(found))


def digest(rows: pa.Table) -> str:
    """By value and column order; column names and the order of rows do not count."""
    lines = sorted(repr(values) for values in _values(rows))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _values(rows: pa.Table) -> Iterable[tuple[object, ...]]:
    return zip(*(column.to_pylist() for column in rows.columns), strict=True)


VERBS: dict[str, Callable[..., None]] = {
    "rename": rename,
    "drop-rows": drop_rows,
    "dedupe": dedupe,
    "contents": contents,
}

if __name__ == "__main__":
    VERBS[sys.argv[1]](*sys.argv[2:])
