"""The database's clock, because hosts disagree."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from django.db import connection


def now() -> datetime:
    """Aware, in UTC, of this very moment and not of the transaction's begin."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cast(datetime, cursor.fetchone()[0])
