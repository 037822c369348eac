"""SQL that is written by us: names quoted, values bound, nothing of the outside in between."""

# ruff: noqa: S608 - every name in a statement is quoted by `sql.quoted`, and every value is bound

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from integrations.errors import Refused
from integrations.values import Column, Predicate

_LOCKED_DOWN = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "2",
    "memory_limit": "1GB",
}
_OPERATORS = {"=": "=", ">=": ">=", "<": "<"}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def relation(name: str) -> str:
    """`schema.table`, each part quoted."""
    return ".".join(quoted(part) for part in name.split("."))


@contextmanager
def in_memory(tables: Mapping[str, Any]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own that reaches no file and no network, with Arrow tables in it by name."""
    with duckdb.connect(":memory:", config=dict(_LOCKED_DOWN)) as connection:
        for name, table in tables.items():
            connection.register(name, table)
        try:
            yield connection
        except duckdb.DataError as error:
            raise Refused(f"A value does not fit its column: {str(error).splitlines()[0]}") from error


def columns_of(connection: duckdb.DuckDBPyConnection, source: str) -> tuple[Column, ...]:
    """Columns of a quoted relation, in its order."""
    rows = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    return tuple(Column(str(row[0]), str(row[1])) for row in rows)


def where(predicate: Predicate, columns: Sequence[Column]) -> tuple[str, list[Any]]:
    """A condition and its values. Raises `Refused` when empty, so that nothing never means everything."""
    if not predicate.conditions:
        raise Refused("A predicate without conditions selects no rows.")
    types = {column.name: column.type for column in columns}
    parts, values = [], []
    for name, operator, value in predicate.conditions:
        if name not in types:
            raise Refused(f"There is no column {name!r}.")
        literals = _literals(operator, value)
        parts.append(_condition(quoted(name), operator, f"CAST(? AS {types[name]})", len(literals)))
        values.extend(literals)
    return " AND ".join(parts), values


def _literals(operator: str, value: Any) -> list[Any]:
    if operator == "is null":
        return []
    literals = list(value) if operator == "in" and isinstance(value, (list, tuple)) else [value]
    if not literals or any(literal is None or isinstance(literal, (dict, list)) for literal in literals):
        raise Refused("A condition needs plain values; for missing ones there is `is null`.")
    return literals


def _condition(column: str, operator: str, literal: str, count: int) -> str:
    if operator == "is null":
        return f"{column} IS NULL"
    if operator == "in":
        return f"{column} IN ({', '.join([literal] * count)})"
    if operator not in _OPERATORS:
        raise Refused(f"There is no operator {operator!r}.")
    return f"{column} {_OPERATORS[operator]} {literal}"
