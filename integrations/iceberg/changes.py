"""Data fixes on a branch: rows are taken out file by file; nothing is ever written that was not there before."""

# ruff: noqa: S608 - every name in a statement is quoted by `sql.quoted`, and every value is bound

from __future__ import annotations

import hashlib
import itertools
import json
import uuid
from collections.abc import Sequence
from contextlib import suppress

import pyarrow as pa
from pyarrow import compute
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, TableAlreadyExistsError
from pyiceberg.expressions import And, BooleanExpression, EqualTo, GreaterThanOrEqual, In, IsNull, LessThan, Reference
from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from integrations.duckdb.sql import columns_of, in_memory, quoted, where
from integrations.effects import DedupeRows, QuarantineRows
from integrations.errors import Refused
from integrations.iceberg.catalog import label, ref_of, snapshot_of, table_of
from integrations.iceberg.files import LoadedFile, live_files, rows_of
from integrations.values import Column, Predicate, as_json

CHANGE = "countersign-change"  # snapshot and table property: which change wrote this
HOLD = "quarantine"  # namespace of the tables that hold rows
_OPERATORS = {"=": EqualTo, "in": In, ">=": GreaterThanOrEqual, "<": LessThan}
Kept = tuple[LoadedFile, pa.Table]


def identity(change: QuarantineRows | DedupeRows, base: int) -> str:
    """The same change on the same base has the same identity, so that it is not made twice."""
    text = json.dumps([as_json(change), base], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def quarantine(catalog: Catalog, table: Table, branch: str, change: QuarantineRows, mark: str) -> int:
    """Hold the matching rows in a table of their own, then take them out of the branch; returns how many."""
    source = snapshot_of(table, branch)
    held, kept = [], []
    for file in _possible(table, source, change.predicate):
        rows = rows_of(table, table.schema(), [file.task])
        mask = _matching(rows, change.predicate)
        if matching := rows.filter(mask):
            held.append(matching)
            kept.append((file, rows.filter(compute.invert(mask))))
    if not held:
        raise Refused(f"No row of {label(table)} matches.")
    taken = pa.concat_tables(held)
    _hold(catalog, table, change, taken, mark)
    rewrite(table, branch, kept, mark)
    return int(taken.num_rows)


def dedupe(table: Table, branch: str, change: DedupeRows, mark: str) -> int:
    """Keep the first loaded row of each key; returns how many rows went."""
    if not change.key:
        raise Refused("Without a key every row would be a duplicate.")
    files = live_files(table, snapshot_of(table, branch))
    positions = _later_rows(table, files, change.key)
    if not positions:
        raise Refused(f"No two rows of {label(table)} share {', '.join(change.key)}.")
    involved = sorted({place for later, first in positions for place in (later[0], first)})
    rows = {place: rows_of(table, table.schema(), [files[place].task]) for place in involved}
    _refuse_different(rows, change)
    gone: dict[int, set[int]] = {}
    for (place, position), _ in positions:
        gone.setdefault(place, set()).add(position)
    kept = [(files[place], _without(rows[place], out)) for place, out in gone.items()]
    rewrite(table, branch, kept, mark)
    return len(positions)


def rewrite(table: Table, branch: str, kept: Sequence[Kept], mark: str) -> None:
    """Replace each file by its kept rows, in one snapshot; a file of which nothing is kept is only let go."""
    if ref_of(table, branch) is None or branch == "main":  # pyiceberg would create the one and overwrite the other
        raise Refused(f"Table {label(table)} has no staging branch {branch!r}.")
    counter, commit = itertools.count(0), uuid.uuid4()
    with (
        table.transaction() as transaction,
        transaction.update_snapshot(snapshot_properties={CHANGE: mark}, branch=branch).overwrite() as snapshot,
    ):
        for file, rows in kept:
            snapshot.delete_data_file(file.task.file)
            if rows.num_rows:
                for new in _dataframe_to_data_files(table.metadata, rows, table.io, commit, counter):
                    snapshot.append_data_file(new)


def _possible(table: Table, source: Snapshot, predicate: Predicate) -> list[LoadedFile]:
    """Files that can hold a matching row; the others are never opened. Raises `Refused` for what names no rows."""
    where(predicate, [Column(field.name) for field in table.schema().fields])
    try:
        return live_files(table, source, _pruning(predicate))
    except (TypeError, ValueError) as error:
        raise Refused(f"The predicate does not fit the columns: {error}") from error


def _pruning(predicate: Predicate) -> BooleanExpression:
    """The same rows in Iceberg's words."""
    parts: list[BooleanExpression] = []
    for column, operator, value in predicate.conditions:
        if operator == "is null":
            parts.append(IsNull(term=Reference(column)))
        elif operator in _OPERATORS:
            parts.append(_OPERATORS[operator](column, list(value) if operator == "in" else value))
        else:
            raise Refused(f"There is no operator {operator!r}.")
    return parts[0] if len(parts) == 1 else And(*parts)


def _matching(rows: pa.Table, predicate: Predicate) -> pa.ChunkedArray:
    with in_memory({"source": rows}) as connection:
        condition, values = where(predicate, columns_of(connection, "source"))
        answer = connection.execute(f"SELECT ({condition}) IS TRUE AS matches FROM source", values).to_arrow_table()
    return answer.column("matches")


def _without(rows: pa.Table, positions: set[int]) -> pa.Table:
    return rows.filter(pa.array([position not in positions for position in range(rows.num_rows)]))


def _hold(catalog: Catalog, source: Table, change: QuarantineRows, rows: pa.Table, mark: str) -> None:
    namespace, _, name = change.hold.rpartition(".")
    if namespace != HOLD or not name.replace("_", "").isalnum():
        raise Refused(f"Held rows belong into a table of the namespace {HOLD}, not into {change.hold!r}.")
    with suppress(NamespaceAlreadyExistsError):  # from an earlier incident
        catalog.create_namespace(HOLD)
    try:
        properties = {CHANGE: mark, "countersign-source": label(source)}
        table = catalog.create_table(change.hold, schema=rows.schema, properties=properties)
    except TableAlreadyExistsError:
        table = table_of(catalog, change.hold)
    if table.properties.get(CHANGE) != mark:
        raise Refused(f"Table {change.hold} exists already and holds other rows.")
    if table.current_snapshot() is None:
        table.append(rows, snapshot_properties={CHANGE: mark})


def _later_rows(table: Table, files: Sequence[LoadedFile], key: Sequence[str]) -> list[tuple[tuple[int, int], int]]:
    """((file, position) of each row whose key was loaded before, file of the first row of that key)."""
    keys = ", ".join(quoted(name) for name in key)
    known = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in key)
    numbered = (
        f"SELECT __file, __position, row_number() OVER loaded AS n, first_value(__file) OVER loaded AS first "
        f"FROM source WHERE {known} WINDOW loaded AS (PARTITION BY {keys} ORDER BY __file, __position)"
    )
    placed = [_placed(rows_of(table, table.schema(), [file.task], key), place) for place, file in enumerate(files)]
    with in_memory({"source": pa.concat_tables(placed)}) as connection:
        rows = connection.execute(f"SELECT __file, __position, first FROM ({numbered}) WHERE n > 1").fetchall()
    return [((file, position), first) for file, position, first in rows]


def _placed(rows: pa.Table, place: int) -> pa.Table:
    count = rows.num_rows
    rows = rows.append_column("__file", pa.array([place] * count, pa.int64()))
    return rows.append_column("__position", pa.array(range(count), pa.int64()))


def _refuse_different(rows: dict[int, pa.Table], change: DedupeRows) -> None:
    everything = pa.concat_tables(list(rows.values()))
    keys = ", ".join(quoted(name) for name in change.key)
    compared = [name for name in everything.column_names if name not in {*change.key, *change.ignore}]
    if not compared:
        return
    known = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in change.key)
    counts = ", ".join(f"count(DISTINCT {quoted(name)}) + max(({quoted(name)} IS NULL)::INT) > 1" for name in compared)
    with in_memory({"source": everything}) as connection:
        sql = f"SELECT [{counts}] AS differs, {keys} FROM source WHERE {known} GROUP BY {keys}"
        row = connection.execute(f"SELECT * FROM ({sql}) WHERE list_contains(differs, true) LIMIT 1").fetchone()
    if row:
        columns = [name for name, differs in zip(compared, row[0], strict=True) if differs]
        raise Refused(f"Rows with {', '.join(change.key)} = {row[1:]} differ in {', '.join(columns)}: not duplicates.")
