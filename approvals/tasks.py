"""Doorbells of the chapter: each looks up one row and calls its step. A forged or doubled one finds nothing to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from celery import shared_task
from django.db import models

from app.core.errors import LostRace
from approvals import announce
from approvals import deadlines as _deadlines
from approvals.asking.prove import prove as _prove
from approvals.execute import execute as _execute
from approvals.live.inbox import settle_open
from approvals.live.sync import sync as _live
from approvals.models import Execution, Proposal, Request
from approvals.propose import propose as _propose
from approvals.stage import stage as _stage
from approvals.undo import undo as _undo
from approvals.validate import validate as _validate
from approvals.verify import verify as _verify
from incidents.models import Incident
from integrations.errors import IntegrationError

log = logging.getLogger(__name__)

M = TypeVar("M", bound=models.Model)


@shared_task
def propose(pk: int) -> None:
    _look_at(Incident, pk, _propose)


@shared_task
def stage(pk: int) -> None:
    _look_at(Proposal, pk, _stage)


@shared_task
def verify(pk: int) -> None:
    _look_at(Proposal, pk, _verify)


@shared_task
def execute(pk: int) -> None:
    _look_at(Proposal, pk, _execute)


@shared_task
def validate(pk: int) -> None:
    _look_at(Proposal, pk, _validate)


@shared_task
def undo(pk: int) -> None:
    _look_at(Execution, pk, _undo)


@shared_task
def prove(pk: int) -> None:
    _look_at(Request, pk, _prove)


@shared_task
def deadlines() -> None:
    _deadlines.deadlines()


@shared_task
def send() -> None:
    announce.announce()
    announce.send()


@shared_task
def live(number: object = None) -> None:
    """Of one incident by its number, or of all."""
    if number is None or (isinstance(number, int) and not isinstance(number, bool)):
        _live(number)


@shared_task
def acts() -> None:
    settle_open()


def _look_at(model: type[M], pk: object, step: Callable[[M], object]) -> None:
    """Quiet when there is no such row, when someone else was first, and when a target is away: the sweep asks again."""
    if not isinstance(pk, int) or isinstance(pk, bool):
        return
    found = model._default_manager.filter(pk=pk).first()
    if found is not None:
        try:
            step(found)
        except LostRace:
            return
        except IntegrationError as error:
            log.warning("%s will be tried again: %s", found, error.__class__.__name__)
