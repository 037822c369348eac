"""Facts about the rows of a table, computed by PostgreSQL in a few statements; a large table is sampled by blocks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from integrations.duckdb.masking import plain
from integrations.values import Column, Json, Profile

SAMPLED = 2_000_000  # rows by the planner's estimate from which about this many are read, not all
COLUMNS = 60  # of a wide table the first ones
CATEGORIES, DAYS = 50, 120  # distinct values up to which text is a category; days of which totals are kept
_NUMBER = re.compile(r"^(smallint|integer|bigint|numeric|real|double precision)")
_TEXT = re.compile(r"^(text|character|boolean)")
_DAY = re.compile(r"^(date|timestamp)")
_PLAIN = re.compile(rf"{_NUMBER.pattern}|{_TEXT.pattern}|{_DAY.pattern}|^uuid")
_KEY_NAME = re.compile(r"(^|_)(id|key|code|uuid|number|no)$")
Open = psycopg.Connection[dict[str, Any]]

ESTIMATE = "SELECT reltuples::bigint AS rows, relkind AS kind FROM pg_class WHERE oid = %s"
UNIQUE = """
    SELECT array_agg(a.attname ORDER BY a.attnum) AS key FROM pg_index i
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
     WHERE i.indrelid = %s AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
     GROUP BY i.indexrelid, i.indisprimary ORDER BY i.indisprimary DESC LIMIT 4"""


def profile(
    connection: Open, oid: int, table: sql.Identifier, columns: Sequence[Column], given: Sequence[Sequence[str]]
) -> Profile:
    """`given` are the keys that a person named; else what the table declares unique, else what is called like one."""
    known = [column for column in columns if _PLAIN.match(column.type)][:COLUMNS]
    source, share = _source(connection, oid, table)
    facts = _facts(connection, source, known)
    counted = int(facts["rows"])
    rows = round(counted / share)
    keys = given or _keys(connection, oid, known)
    described = {c.name: _column(connection, source, c, facts, n, counted) for n, c in enumerate(known)}
    duplicates = {",".join(key): _repeated(connection, source, key) for key in keys} if share == 1 else {}
    return Profile(rows, described if counted else {}, "", duplicates, _totals(connection, source, known, share))


def _source(connection: Open, oid: int, table: sql.Identifier) -> tuple[sql.Composable, float]:
    """What is read, and which part of the table that is. The same blocks each time, so that looks compare."""
    row = connection.execute(ESTIMATE, [oid]).fetchone() or {}
    if row.get("kind") not in ("r", "m") or row["rows"] <= SAMPLED:
        return table, 1.0
    share = SAMPLED / row["rows"]
    return sql.SQL("{} TABLESAMPLE SYSTEM ({}) REPEATABLE (1)").format(table, sql.Literal(100 * share)), share


def _facts(connection: Open, source: sql.Composable, columns: Sequence[Column]) -> dict[str, Any]:
    """One pass over the table for everything that needs no grouping."""
    parts: list[sql.Composable] = [sql.SQL("count(*) AS rows")]
    for number, column in enumerate(columns):
        name = sql.Identifier(column.name)
        parts.append(_named("count({})", name, "known", number))
        parts.append(_named("count(DISTINCT {})", name, "distinct", number))
        if _NUMBER.match(column.type):
            value = _finite(name)
            parts += [_named(f"{word}({{}})", value, word, number) for word in ("sum", "avg", "min", "max")]
            quantiles = "percentile_cont(ARRAY[0.05, 0.5, 0.95]) WITHIN GROUP (ORDER BY {})"
            parts.append(_named(quantiles, value, "quantiles", number))
    return connection.execute(sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(parts), source)).fetchone() or {}


def _finite(name: sql.Composable) -> sql.Composed:
    return sql.SQL("nullif(nullif(nullif({}::float8, 'NaN'), 'Infinity'), '-Infinity')").format(name)


def _named(call: str, name: sql.Composable, word: str, number: int) -> sql.Composed:
    return sql.SQL(call + " AS {}").format(name, sql.Identifier(f"{word}_{number}"))


def _column(
    connection: Open, source: sql.Composable, column: Column, facts: dict[str, Any], number: int, rows: int
) -> Json:
    if not rows:
        return {}
    distinct = facts[f"distinct_{number}"]
    found: Json = {"nulls": 1 - facts[f"known_{number}"] / rows, "distinct": distinct / rows}
    if facts.get(f"sum_{number}") is not None:
        p05, p50, p95 = facts[f"quantiles_{number}"]
        named = {"sum": "sum", "mean": "avg", "min": "min", "max": "max"}
        found |= {name: plain(facts[f"{word}_{number}"]) for name, word in named.items()}
        found |= {"p05": plain(p05), "p50": plain(p50), "p95": plain(p95)}
    if _TEXT.match(column.type) and 0 < distinct <= CATEGORIES:
        query = sql.SQL("SELECT {name}::text AS value, count(*) AS n FROM {source} WHERE {name} IS NOT NULL "
                        "GROUP BY 1 ORDER BY 2 DESC, 1")  # fmt: skip
        counts = connection.execute(query.format(name=sql.Identifier(column.name), source=source)).fetchall()
        found["categories"] = {row["value"]: row["n"] / rows for row in counts}
    return found


def _keys(connection: Open, oid: int, columns: Sequence[Column]) -> list[list[str]]:
    names = {column.name for column in columns}
    declared = [row["key"] for row in connection.execute(UNIQUE, [oid]).fetchall() if set(row["key"]) <= names]
    return declared or [[name] for name in sorted(names) if _KEY_NAME.search(name)][:4]


def _repeated(connection: Open, source: sql.Composable, key: Sequence[str]) -> int:
    names = sql.SQL(", ").join(map(sql.Identifier, key))
    known = sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(sql.Identifier(name)) for name in key)
    query = sql.SQL("SELECT count(*) - count(DISTINCT ({})) AS n FROM {} WHERE {}").format(names, source, known)
    row = connection.execute(query).fetchone()
    return int(row["n"]) if row else 0


def _totals(connection: Open, source: sql.Composable, columns: Sequence[Column], share: float) -> Json:
    """Per day of the first date column; `*` counts the rows."""
    days = sorted((c for c in columns if _DAY.match(c.type)), key=lambda c: c.type != "date")
    if not days:
        return {}
    amounts = [c.name for c in columns if _NUMBER.match(c.type) and not _KEY_NAME.search(c.name)]
    sums = [sql.SQL("sum({})").format(_finite(sql.Identifier(name))) for name in amounts]
    parts = [
        sql.SQL("{} AS {}").format(each, sql.Identifier(f"n{at}"))
        for at, each in enumerate([sql.SQL("count(*)"), *sums])
    ]
    query = sql.SQL("SELECT {day}::date AS day, {parts} FROM {source} WHERE {day} IS NOT NULL GROUP BY 1 "
                    "ORDER BY 1 DESC LIMIT {limit}")  # fmt: skip
    rows = connection.execute(
        query.format(day=sql.Identifier(days[0].name), parts=sql.SQL(", ").join(parts), source=source,
                     limit=sql.Literal(DAYS))
    ).fetchall()[::-1]  # fmt: skip
    return {
        name: {str(row["day"]): plain(row[f"n{at}"] / share) for row in rows if row[f"n{at}"] is not None}
        for at, name in enumerate(["*", *amounts])
    }
