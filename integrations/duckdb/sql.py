"""SQL that is written by us: names quoted, values bound, nothing of the outside in between."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from integrations.errors import Refused
from integrations.ports import Column, Predicate

_LOCKED_DOWN = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "2",
    "memory_limit": "1GB",
}
_OPERATORS = {"=": "=", ">=": ">=", "<": "<"}
_EMAIL = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")
_SECRET_NAME = re.compile(r"passw|secret|token|api_?key|credential|iban|card_?num|ssn", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"\b(?:sk|pk|ghp|xox[abp]|AKIA)[-_A-Za-z0-9]{12,}")
MASK = "•••"


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
        yield connection


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


def plain(value: Any) -> Any:
    """A cell as JSON: exact numbers as text, times as ISO 8601, what cannot be shown as None."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, timedelta)):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.hex() if isinstance(value, bytes) else str(value)


def masked(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for a person to see: e-mail addresses and what looks like a secret are covered."""
    return {name: MASK if _SECRET_NAME.search(name) and value is not None else _cover(plain(value)) for name, value in row.items()}


def _cover(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return _SECRET_VALUE.sub(MASK, _EMAIL.sub(rf"{MASK}@\1", value))


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
