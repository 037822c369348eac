"""Facts about the rows of a relation, computed by DuckDB."""

# ruff: noqa: S608 - every name in a statement is quoted by `sql.quoted`, and every value is bound

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import duckdb

from integrations.duckdb.masking import plain
from integrations.duckdb.sql import columns_of, quoted
from integrations.values import Column, Json, Profile

CATEGORIES = 50  # distinct values up to which a text column is a category
DAYS = 120  # days of which totals are kept
KEY_COLUMNS = 8  # columns among which a key is looked for
MIN_ROWS = 20  # rows below which unique says nothing about a column, unless its name does
_NUMBER = re.compile(r"^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL)", re.IGNORECASE)
_INEXACT = re.compile(r"^(FLOAT|DOUBLE)", re.IGNORECASE)
_TEXT = re.compile(r"^(VARCHAR|BOOLEAN|ENUM)", re.IGNORECASE)
_DAY = re.compile(r"^(DATE|TIMESTAMP)", re.IGNORECASE)
_KEY_NAME = re.compile(r"(^|_)(id|key|code|uuid|number|no)$|(?<=[a-z])(Id|ID|Key)$")
_NESTED = re.compile(r"(STRUCT|MAP|UNION|BLOB|\[)", re.IGNORECASE)


def profile(
    connection: duckdb.DuckDBPyConnection, source: str, version: str = "", keys: Sequence[Sequence[str]] = ()
) -> Profile:
    """Of a quoted relation; `keys` are the candidate keys whose duplicates are counted."""
    columns = [column for column in columns_of(connection, source) if not _NESTED.search(column.type)]
    rows = int(_one(connection, f"SELECT count(*) FROM {source}")[0])
    facts = {column.name: _column(connection, source, column, rows) for column in columns} if rows else {}
    duplicates = {",".join(key): duplicated(connection, source, key) for key in keys}
    return Profile(rows, facts, version, duplicates, _totals(connection, source, columns))


def duplicated(connection: duckdb.DuckDBPyConnection, source: str, key: Sequence[str]) -> int:
    """Rows that share their key with an earlier row; a key with a missing part is none."""
    names = ", ".join(quoted(name) for name in key)
    known = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in key)
    sql = f"SELECT count(*) - count(DISTINCT ({names})) FROM {source} WHERE {known}"
    return int(_one(connection, sql)[0])


def candidate_keys(connection: duckdb.DuckDBPyConnection, source: str) -> tuple[tuple[str, ...], ...]:
    """Column sets that identify the rows, the most likely first: a day or a pair only where nothing else does."""
    columns = [c for c in columns_of(connection, source) if not _INEXACT.match(c.type) and not _NESTED.search(c.type)]
    columns.sort(key=lambda column: not _KEY_NAME.search(column.name))
    rows = int(_one(connection, f"SELECT count(*) FROM {source}")[0])
    single = _unique(connection, source, [(c.name,) for c in columns if _may_identify(c, rows)], rows)
    if single or rows < 2:
        return single
    if daily := _unique(connection, source, [(column.name,) for column in columns if column.type == "DATE"], rows):
        return daily
    pairs = combinations([column.name for column in columns if not _is_amount(column)][:KEY_COLUMNS], 2)
    return _unique(connection, source, list(pairs), rows)[:1]


def _may_identify(column: Column, rows: int) -> bool:
    """Amounts and moments are often unique by accident, and in few rows everything is."""
    if _KEY_NAME.search(column.name):
        return True
    return rows >= MIN_ROWS and not _NUMBER.match(column.type) and not _DAY.match(column.type)


def _is_amount(column: Column) -> bool:
    return bool(_NUMBER.match(column.type)) and not _KEY_NAME.search(column.name)


def _unique(
    connection: duckdb.DuckDBPyConnection, source: str, keys: Sequence[tuple[str, ...]], rows: int
) -> tuple[tuple[str, ...], ...]:
    if not keys or not rows:
        return ()
    counts = [f"count(DISTINCT CASE WHEN {_known(key)} THEN ({_listed(key)}) END)" for key in keys]
    found = _one(connection, f"SELECT {', '.join(counts)} FROM {source}")
    return tuple(key for key, count in zip(keys, found, strict=True) if count == rows)


def _listed(key: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in key)


def _known(key: Iterable[str]) -> str:
    return " AND ".join(f"{quoted(name)} IS NOT NULL" for name in key)


def _column(connection: duckdb.DuckDBPyConnection, source: str, column: Column, rows: int) -> Json:
    name = quoted(column.name)
    known, distinct = _one(connection, f"SELECT count({name}), count(DISTINCT {name}) FROM {source}")
    facts: Json = {"nulls": 1 - known / rows, "distinct": distinct / rows}
    if known and _NUMBER.match(column.type):
        facts |= _numbers(connection, source, name)
    if known and _TEXT.match(column.type) and distinct <= CATEGORIES:
        counts = f"SELECT CAST({name} AS VARCHAR), count(*) FROM {source} WHERE {name} IS NOT NULL"
        sql = f"{counts} GROUP BY 1 ORDER BY 2 DESC, 1"
        facts["categories"] = {str(value): count / rows for value, count in connection.execute(sql).fetchall()}
    return facts


def _numbers(connection: duckdb.DuckDBPyConnection, source: str, name: str) -> Json:
    value = f"CAST({name} AS DOUBLE)"
    sql = (
        f"SELECT sum({value}), avg({value}), quantile_cont({value}, [0.05, 0.5, 0.95]), min({value}), max({value}) "
        f"FROM {source} WHERE isfinite({value})"
    )
    total, mean, quantiles, low, high = _one(connection, sql)
    p05, p50, p95 = quantiles or (None, None, None)
    found = {"sum": total, "mean": mean, "p05": p05, "p50": p50, "p95": p95, "min": low, "max": high}
    return {key: plain(number) for key, number in found.items() if number is not None}


def _totals(connection: duckdb.DuckDBPyConnection, source: str, columns: Sequence[Column]) -> Json:
    """Per day of the first date column; `*` counts the rows."""
    days = sorted((column for column in columns if _DAY.match(column.type)), key=lambda column: column.type != "DATE")
    if not days:
        return {}
    amounts = [column.name for column in columns if _is_amount(column)]
    sums = "".join(f", sum(CAST({quoted(name)} AS DOUBLE))" for name in amounts)
    day = f"CAST({quoted(days[0].name)} AS DATE)"
    counts = f"SELECT {day}, count(*){sums} FROM {source} WHERE {day} IS NOT NULL"
    sql = f"{counts} GROUP BY 1 ORDER BY 1 DESC LIMIT {DAYS}"
    rows = connection.execute(sql).fetchall()[::-1]
    names = ["*", *amounts]
    return {
        name: {str(row[0]): plain(row[i + 1]) for row in rows if row[i + 1] is not None} for i, name in enumerate(names)
    }


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = connection.execute(sql).fetchone()
    return tuple(row) if row else ()
