"""Doorbells of this chapter: each calls its step."""

from __future__ import annotations

from contextlib import suppress

from celery import shared_task

from app.core.errors import LostRace
from incidents import collect
from incidents.detect import detect as detect_run
from incidents.diagnose import diagnose as diagnose_incident
from incidents.models import Incident, Run
from incidents.watch import watch as _watch


@shared_task(name="incidents.tasks.drain")
def drain() -> None:
    while collect.drain() == collect.DRAIN_LIMIT:
        continue


@shared_task(name="incidents.tasks.diagnose")
def diagnose(pk: int) -> None:
    with suppress(LostRace):  # another worker has it, or it moved on: nothing is left to do
        diagnose_incident(Incident.objects.get(pk=pk))


@shared_task(name="incidents.tasks.detect")
def detect(pk: int) -> None:
    detect_run(Run.objects.select_related("job").get(pk=pk))


@shared_task(name="incidents.tasks.watch")
def watch() -> None:
    _watch()
