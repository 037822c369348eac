"""Do something to each of many rows, each by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import models, transaction

from app.core.errors import IllegalMove, LostRace

BATCH = 200  # rows of each kind per call; the next call is seconds away

M = TypeVar("M", bound=models.Model)


def apart(rows: models.QuerySet[M], act: Callable[[M], object]) -> None:
    """Each in its own transaction; one that someone else moved meanwhile is theirs."""
    for row in rows[:BATCH]:
        try:
            with transaction.atomic():
                act(row)
        except (LostRace, IllegalMove):
            continue
