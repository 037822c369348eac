"""A lease on a row that has `lease_until`, `epoch` and `attempts`: one holder at a time, a fence for zombies."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connection, models
from django.db.models import F, Q
from django.db.models.functions import Now

from app.core.errors import LostRace

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5  # times a step is taken up again after a crash; then it is parked for a person


@contextmanager
def lease(subject: models.Model, *statuses: str) -> Iterator[int]:
    """Hold `subject` while it is in one of `statuses` (any when none is given); yields the epoch.

    A heartbeat renews the lease from a thread with a connection of its own. Raises LostRace when someone else holds it.
    The caller hands the epoch to whatever it writes, so that a worker that slept is refused there. A move of `subject`
    within `statuses` keeps the lease, a move out of them ends it (`lifecycle.advance`).
    """
    model = type(subject)._default_manager
    free = model.filter(pk=subject.pk).filter(Q(lease_until=None) | Q(lease_until__lt=Now()))
    if statuses:
        free = free.filter(status__in=statuses)
    until = Now() + timedelta(seconds=settings.LEASE_S)
    if free.update(lease_until=until, epoch=F("epoch") + 1, attempts=F("attempts") + 1) != 1:
        raise LostRace(f"{subject} is held by another worker, or has moved on.")
    subject.refresh_from_db()
    epoch: int = subject.epoch  # type: ignore[attr-defined]
    subject.held = (epoch, statuses)  # type: ignore[attr-defined]
    stop = threading.Event()
    beat = threading.Thread(target=_heartbeat, args=(subject, epoch, stop), name="lease", daemon=True)
    beat.start()
    try:
        yield epoch
    finally:
        subject.held = None  # type: ignore[attr-defined]
        stop.set()
        beat.join()
        model.filter(pk=subject.pk, epoch=epoch).update(lease_until=None)


def holds(subject: models.Model, epoch: int) -> bool:
    """Whether `epoch` is still the newest one: asked just before each effect."""
    return type(subject)._default_manager.filter(pk=subject.pk, epoch=epoch, lease_until__gt=Now()).exists()


def _heartbeat(subject: models.Model, epoch: int, stop: threading.Event) -> None:
    rows = type(subject)._default_manager.filter(pk=subject.pk, epoch=epoch)
    try:
        while not stop.wait(settings.HEARTBEAT_S):
            if not rows.update(lease_until=Now() + timedelta(seconds=settings.LEASE_S)):
                return  # taken over: the holder finds out by `holds`
    finally:
        connection.close()
