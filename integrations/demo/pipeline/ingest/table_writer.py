"""Appends one batch to an Iceberg table, once per RUN_KEY."""

from __future__ import annotations

import os
import sys

import pyarrow as pa
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.table import Table

ATTEMPTS = 5  # other writers of the same table make a commit fail; reload and try again


def open_lake() -> Catalog:
    uri, warehouse = os.environ["LAKE_CATALOG_URI"], os.environ["LAKE_WAREHOUSE"]
    return load_catalog("lake", type="sql", uri=uri, warehouse=warehouse)


def append_once(name: str, batch: pa.Table) -> None:
    """Append `batch` to `name` unless main already has a snapshot with this run's key."""
    key, date = os.environ["RUN_KEY"], os.environ["RUN_DATE"]
    lake = open_lake()
    for attempt in range(1, ATTEMPTS + 1):
        table = _table(lake, name, batch)
        if key in _keys(table):
            _say(f"{name}: batch {key} is loaded already, nothing to do")
            return
        try:
            table.append(_aligned(table, batch), snapshot_properties={"run-key": key, "run-date": date})
        except CommitFailedException:
            if attempt == ATTEMPTS:
                raise
            continue
        _say(f"{name}: {batch.num_rows} rows of {date} appended")
        return


def _table(lake: Catalog, name: str, batch: pa.Table) -> Table:
    try:
        return lake.load_table(name)
    except NoSuchTableError:
        lake.create_namespace_if_not_exists(name.split(".")[0])
        return lake.create_table(name, schema=batch.schema)


def _keys(table: Table) -> set[str]:
    """Run keys of the snapshots that main descends from."""
    keys: set[str] = set()
    snapshot = table.current_snapshot()
    while snapshot is not None:
        if snapshot.summary is not None and (key := snapshot.summary.additional_properties.get("run-key")):
            keys.add(key)
        parent = snapshot.parent_snapshot_id
        snapshot = table.snapshot_by_id(parent) if parent else None
    return keys


def _aligned(table: Table, batch: pa.Table) -> pa.Table:
    """The batch in the table's own column order and types. A column that the table lacks is an error."""
    schema = table.schema().as_arrow()
    return batch.select(schema.names).cast(schema)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
