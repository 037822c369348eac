"""How two relations differ: rows by key, values by column, a few rows to look at."""

# ruff: noqa: S608 - every name in a statement is quoted by `sql.quoted`, and every value is bound

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from integrations.duckdb.masking import masked, plain
from integrations.duckdb.profile import candidate_keys
from integrations.duckdb.sql import columns_of, quoted
from integrations.effects import TableDiff
from integrations.values import AssetRef, Column, Json

SAMPLE = 20  # rows shown to a person
TOLERANCE = 1e-9  # relative; sums of floats differ in the last digits with the order of their rows


def compare(
    connection: duckdb.DuckDBPyConnection,
    asset: AssetRef,
    before: str,
    after: str,
    key: Sequence[str] = (),
    same: int = 0,
) -> TableDiff:
    """Of two quoted relations; `same` counts rows that are known to be equal and left out of both.

    Without a key, none given and none inferred, rows are compared whole: added and removed, never changed.
    """
    old, new = columns_of(connection, before), columns_of(connection, after)
    common = [column for column in new if column.name in {c.name for c in old}]
    names = {column.name for column in common}
    chosen = tuple(key) if key and names.issuperset(key) else _inferred(connection, after, names)
    _join(connection, before, after, chosen or tuple(names), common)
    counts = dict(connection.execute("SELECT kind, count(*) FROM joined GROUP BY 1").fetchall())
    return TableDiff(
        asset,
        chosen,
        added=counts.get("added", 0),
        removed=counts.get("removed", 0),
        changed=counts.get("changed", 0),
        same=counts.get("same", 0) + same,
        columns=_changed_values(connection, common),
        sample=_sample(connection, chosen, old, new),
        schema_before=old,
        schema_after=new,
    )


def checksum(connection: duckdb.DuckDBPyConnection, source: str) -> str:
    """Of a relation's columns and rows, whatever their order. Equal content, equal text."""
    columns = columns_of(connection, source)
    values = ", ".join(quoted(column.name) for column in sorted(columns, key=lambda column: column.name))
    row = connection.execute(
        f"SELECT count(*), sum(hash({values})::HUGEINT), bit_xor(hash({values})) FROM {source}"
    ).fetchone()
    shape = ",".join(sorted(f"{column.name} {column.type}" for column in columns))
    return f"{row[0]}:{row[1]}:{row[2]}:{shape}" if row else shape


def _inferred(connection: duckdb.DuckDBPyConnection, source: str, names: set[str]) -> tuple[str, ...]:
    return next((key for key in candidate_keys(connection, source) if names.issuperset(key)), ())


def _join(
    connection: duckdb.DuckDBPyConnection, before: str, after: str, key: Sequence[str], common: Sequence[Column]
) -> None:
    """One row per row of either side; rows that share a key are paired in the order of their values."""
    keys, values = (", ".join(quoted(name) for name in names) for names in (key, [column.name for column in common]))
    side = "SELECT __row AS row, row_number() OVER (PARTITION BY {keys} ORDER BY {values}) AS n FROM {source} AS __row"
    sides = [f"({side.format(keys=keys, values=values or 1, source=source)})" for source in (before, after)]
    match = " AND ".join(f"b.row.{quoted(name)} IS NOT DISTINCT FROM a.row.{quoted(name)}" for name in key)
    differs = " OR ".join(_differs(column) for column in common) or "false"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE joined AS SELECT b.row AS old, a.row AS new, "
        f"CASE WHEN a.n IS NULL THEN 'removed' WHEN b.n IS NULL THEN 'added' "
        f"WHEN {differs} THEN 'changed' ELSE 'same' END AS kind "
        f"FROM {sides[0]} AS b FULL JOIN {sides[1]} AS a ON {match} AND b.n = a.n"
    )


def _differs(column: Column, old: str = "b.row", new: str = "a.row") -> str:
    name = quoted(column.name)
    distinct = f"{old}.{name} IS DISTINCT FROM {new}.{name}"
    if column.type not in ("FLOAT", "DOUBLE"):
        return f"({distinct})"
    scale = f"greatest(abs({old}.{name}), abs({new}.{name}), 1)"
    return f"({distinct} AND coalesce(abs({old}.{name} - {new}.{name}) > {TOLERANCE} * {scale}, true))"


def _changed_values(connection: duckdb.DuckDBPyConnection, common: Sequence[Column]) -> Mapping[str, int]:
    sums = ", ".join(f"count(*) FILTER ({_differs(column, 'old', 'new')})" for column in common)
    if not sums:
        return {}
    row: tuple[Any, ...] = connection.execute(f"SELECT {sums} FROM joined WHERE kind = 'changed'").fetchone() or ()
    return {column.name: count for column, count in zip(common, row, strict=True) if count}


def _sample(
    connection: duckdb.DuckDBPyConnection, key: Sequence[str], old: Sequence[Column], new: Sequence[Column]
) -> tuple[Json, ...]:
    """A share of each kind of change, so that the rare kind is seen too."""
    sql = (
        "SELECT kind, old, new FROM (SELECT *, row_number() OVER (PARTITION BY kind ORDER BY hash(old, new)) AS place "
        f"FROM joined WHERE kind <> 'same') ORDER BY place, kind LIMIT {SAMPLE}"
    )
    return tuple(_shown(key, *row) for row in connection.execute(sql).fetchall())


def _shown(key: Sequence[str], kind: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Json:
    before = masked(old) if kind != "added" and old else {}
    after = masked(new) if kind != "removed" and new else {}
    if kind == "changed":
        moved = [name for name in after if name in before and plain((old or {})[name]) != plain((new or {})[name])]
        return {
            "key": {name: after[name] for name in key},
            "change": kind,
            "before": {name: before[name] for name in moved},
            "after": {name: after[name] for name in moved},
        }
    whole = before or after
    return {"key": {name: whole[name] for name in key}, "change": kind, "before": before, "after": after}
