"""Doorbells of this chapter: each calls its step."""

from __future__ import annotations

from celery import shared_task

from incidents import collect


@shared_task(name="incidents.tasks.drain")  # type: ignore[untyped-decorator]
def drain() -> None:
    while collect.drain() == collect.DRAIN_LIMIT:
        continue
