"""Ring again for everything that code should move and that nobody holds: the rows are the queue, not the broker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.apps import apps
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from app.core.lifecycle import LIVE, MODELS, NEXT
from app.core.tasks import ring
from approvals.models import Execution, Proposal
from approvals.parking import park

BATCH = 100  # bells per status and sweep: more would only wait in the broker


def sweep() -> int:
    """Park what was tried too often, then ring; returns the number of bells."""
    park()
    bells = [*_subjects(), *_undos()]
    for name, pk in bells:
        ring(name, pk)
    return len(bells)


def _subjects() -> Iterator[tuple[str, int]]:
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    old = Q(status_at__lt=Now() - timedelta(seconds=settings.SWEEP_S))  # younger ones have just been rung for
    for (kind, status), step in NEXT.items():
        model = apps.get_model(MODELS[kind])
        rows = model._default_manager.filter(free, old, status=status)
        if model is Proposal and step.endswith(".execute"):
            rows = rows.exclude(not_before__gt=Now()).exclude(pk__in=_executing())
        if step.endswith(".propose"):  # while a proposal is on its way, that is what moves
            rows = rows.exclude(pk__in=Proposal.objects.filter(status__in=LIVE).values("incident"))
        for pk in rows.order_by("status_at").values_list("pk", flat=True)[:BATCH]:
            yield step, pk


def _executing() -> object:
    """Proposals whose Execution is held: there the lease is on that row."""
    return Execution.objects.filter(finished_at=None, lease_until__gt=Now()).values("proposal")


def _undos() -> Iterator[tuple[str, int]]:
    waiting = Execution.objects.filter(direction="undo", finished_at=None).filter(
        Q(lease_until=None) | Q(lease_until__lt=Now())
    )
    for pk in waiting.order_by("pk").values_list("pk", flat=True)[:BATCH]:
        yield "approvals.tasks.undo", pk
