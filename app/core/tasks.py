"""Doorbells. A message carries one id and no authority: lost, doubled or forged, nothing comes of it."""

from __future__ import annotations

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def ring(name: str, pk: int | str | None = None) -> None:
    """Ask a worker to look at `pk`. A dead broker is only logged, because the sweep rings again."""
    try:
        current_app.signature(name, args=[] if pk is None else [pk]).apply_async(retry=False)
    except (OperationalError, OSError, RuntimeError) as error:  # the last one: a pool that its process has closed
        log.warning("bell %s %s not rung: %s", name, pk, error.__class__.__name__)


def ring_after_commit(name: str, pk: int | str | None = None) -> None:
    """Ring when the transaction has committed; whatever then goes wrong with the bell does not undo the fact."""
    transaction.on_commit(lambda: ring(name, pk), robust=True)
