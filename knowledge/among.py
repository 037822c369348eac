"""The entries that one person may be told of, as a condition for the rankings that are written in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from app.core.models import User
from knowledge.models import Entry
from knowledge.rights import visible


@dataclass(frozen=True)
class Among:
    """Signed entries that the viewer may see."""

    rows: QuerySet[Entry]
    # The same in SQL, on the table by its own name, because the ORM makes it; and its values.
    condition: str
    values: tuple[Any, ...]


def signed_for(viewer: User | None) -> Among | None:
    """None where there can be no entry: the viewer may read nothing."""
    rows = Entry.objects.filter(visible(viewer), state="signed")
    try:
        condition, values = rows.query.where.as_sql(rows.query.get_compiler(connection=connection), connection)
    except EmptyResultSet:
        return None
    return Among(rows, condition, tuple(values))


def fetch(query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows of a query in SQL: several times faster than the ORM where rows are many and narrow."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
