"""Reading tables: their columns, their history, and what a version brought."""

# ruff: noqa: S608 - every name in a statement is quoted by `sql.quoted`, and every value is bound

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.snapshots import Snapshot

from integrations.duckdb.compare import compare
from integrations.duckdb.masking import masked
from integrations.duckdb.profile import candidate_keys, profile
from integrations.duckdb.sql import columns_of, in_memory, quoted, where
from integrations.effects import TableDiff
from integrations.iceberg.catalog import chain, main_of, snapshot_of
from integrations.iceberg.files import added_files, live_files, rows_of, schema_of
from integrations.untrusted import comment
from integrations.values import AssetRef, Column, Json, Predicate, Profile, Version

FIRST_ROWS = 20_000  # rows of the oldest snapshots that show which columns are keys
Keys = Sequence[Sequence[str]]


def columns(table: Table, version: str) -> tuple[Column, ...]:
    """As they are now, or as they were at a version."""
    schema = schema_of(table, snapshot_of(table, version)) if version else table.schema()
    return tuple(
        Column(field.name, str(field.field_type), str(field.field_id), comment(field.doc)) for field in schema.fields
    )


def versions(table: Table, limit: int) -> tuple[Version, ...]:
    if table.metadata.current_snapshot_id is None:
        return ()
    return tuple(_version(snapshot) for snapshot in chain(table, main_of(table))[:limit])


def profile_of(table: Table, version: str, *, increment: bool, keys: Keys) -> Profile:
    if table.metadata.current_snapshot_id is None:
        return Profile(0, {})
    snapshot = snapshot_of(table, version)
    rows = _added_rows(table, snapshot) if increment else _all_rows(table, snapshot)
    present = [key for key in keys if set(key) <= set(rows.column_names)]
    with in_memory({"source": rows}) as connection:
        found = profile(connection, "source", str(snapshot.snapshot_id), () if increment else present)
    if not increment:
        return found
    duplicates = {",".join(key): _seen_before(table, snapshot, rows, key) for key in present}
    return Profile(found.rows, found.columns, found.version, duplicates, found.totals)


def sample_of(table: Table, predicate: Predicate, limit: int) -> tuple[Json, ...]:
    with in_memory({"source": _all_rows(table, snapshot_of(table, ""))}) as connection:
        condition, values = where(predicate, columns_of(connection, "source"))
        result = connection.execute(f"SELECT * FROM source WHERE {condition} LIMIT {int(limit)}", values)
        names = [column[0] for column in result.description or ()]
        return tuple(masked(dict(zip(names, row, strict=True))) for row in result.fetchall())


def diff_of(table: Table, asset: AssetRef, base: int, head: int, key: Sequence[str]) -> TableDiff:
    """Only files that one side has and the other lacks are read; the rest is the same by construction."""
    sides = [live_files(table, snapshot_of(table, str(version))) for version in (base, head)]
    shared = {file.path for file in sides[0]} & {file.path for file in sides[1]}
    before, after = ([file.task for file in side if file.path not in shared] for side in sides)
    same = sum(file.rows for file in sides[0] if file.path in shared)
    tables = {"before": rows_of(table, table.schema(), before), "after": rows_of(table, table.schema(), after)}
    with in_memory(tables) as connection:
        return compare(connection, asset, "before", "after", key, same)


def learned_keys(table: Table) -> tuple[tuple[str, ...], ...]:
    """Declared identifier fields, or what identified rows in the older half of the history, before anything broke."""
    if declared := tuple(sorted(table.schema().identifier_field_names())):
        return (declared,)
    if table.metadata.current_snapshot_id is None:
        return ()
    rows: list[pa.Table] = []
    oldest = chain(table, main_of(table))[::-1]
    for snapshot in oldest[: max(1, len(oldest) // 2)]:
        rows.append(_added_rows(table, snapshot))
        if sum(part.num_rows for part in rows) >= FIRST_ROWS:
            break
    with in_memory({"source": pa.concat_tables(rows, promote_options="permissive")}) as connection:
        return candidate_keys(connection, "source")


def _version(snapshot: Snapshot) -> Version:
    summary = snapshot.summary
    extra = dict(summary.additional_properties) if summary else {}
    extra["schema-id"] = str(snapshot.schema_id)
    return Version(
        str(snapshot.snapshot_id),
        datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC),
        str(snapshot.parent_snapshot_id or ""),
        summary.operation.value if summary else "",
        extra,
    )


def _all_rows(table: Table, snapshot: Snapshot) -> pa.Table:
    tasks = [file.task for file in live_files(table, snapshot)]
    return rows_of(table, schema_of(table, snapshot), tasks)


def _added_rows(table: Table, snapshot: Snapshot) -> pa.Table:
    tasks = [FileScanTask(file) for file in added_files(table, snapshot) if file.content.value == 0]
    return rows_of(table, schema_of(table, snapshot), tasks)


def _seen_before(table: Table, snapshot: Snapshot, rows: pa.Table, key: Sequence[str]) -> int:
    """Rows of the increment whose key an earlier row has, in the table before or in the increment itself."""
    brought = {file.file_path for file in added_files(table, snapshot)}
    schema = schema_of(table, snapshot)
    earlier = [file.task for file in live_files(table, snapshot) if file.path not in brought]
    names = ", ".join(quoted(name) for name in key)
    known = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in key)
    with in_memory({"source": rows, "earlier": rows_of(table, schema, earlier, key)}) as connection:
        sql = (
            f"SELECT count(*) FILTER (n > 1 OR ({names}) IN (SELECT ({names}) FROM earlier)) "
            f"FROM (SELECT {names}, row_number() OVER (PARTITION BY {names}) AS n FROM source WHERE {known})"
        )
        row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0
