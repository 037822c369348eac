"""Doorbells of the roof: what beat rings for, whatever the chapter."""

from __future__ import annotations

from celery import shared_task

from app.core import canary as _canary
from app.core import seal as _seal
from approvals.sweep import sweep as _sweep


@shared_task
def sweep() -> None:
    _sweep()


@shared_task
def seal(thorough: bool = False) -> None:
    _seal.seal(thorough=thorough)


@shared_task
def canary() -> None:
    for queue in _canary.QUEUES:
        sing.apply_async([queue], queue=queue)


@shared_task
def sing(queue: str) -> None:
    _canary.sing(queue)
