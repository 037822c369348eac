"""What time does: expiry, windows that open, starts that came too late, people who did not answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Now

from app.core import audit
from app.core.errors import IllegalMove, LostRace
from app.core.tasks import ring_after_commit
from approvals.leftovers import drop_branches
from approvals.models import Execution, Proposal, Request
from approvals.policy.versions import current
from approvals.requests import remind
from approvals.stop import end, stop
from approvals.together import along, close, lapse

SOURCE = audit.Source("schedule")
BATCH = 200  # rows of each kind per call; the next call is seconds away
UNSTARTED = ["drafted", "staging", "verifying", "awaiting_decision", "approved"]

M = TypeVar("M", bound=models.Model)


def deadlines() -> None:
    """Apply every deadline that has passed, by the database's clock. Safe to run twice at once."""
    proposals = Proposal.objects.select_related("incident").order_by("pk")
    _each(proposals.filter(status__in=UNSTARTED, incident__status="resolved"), _supersede)
    _each(proposals.filter(status="awaiting_decision", expires_at__lte=Now()), _expire)
    _each(proposals.filter(status="awaiting_decision").exclude(policy__hash=current()[1]), _under_old_policy)
    _each(proposals.filter(status="approved", not_before__lte=Now(), incident__status="watching"), _open_window)
    _each(proposals.filter(status="approved", start_by__lt=Now()), _too_late)
    requests = Request.objects.select_related("proposal__incident").order_by("pk").filter(closed_at=None)
    _each(requests.exclude(proposal__incident__status="waiting_on_person").filter(due_at__gt=Now()), _answered)
    _each(requests.filter(sent_at__lt=Now() - (F("due_at") - F("sent_at")) / 2), remind)
    _each(requests.filter(due_at__lte=Now()), _overdue)
    drop_branches()


def _each(rows: models.QuerySet[M], act: Callable[[M], object]) -> None:
    """Each in its own transaction; one that someone else moved meanwhile is theirs."""
    for row in rows[:BATCH]:
        try:
            with transaction.atomic():
                act(row)
        except (LostRace, IllegalMove):
            continue


def _expire(proposal: Proposal) -> None:
    lapse(proposal, "expired", actor=audit.SYSTEM, source=SOURCE, reason="Nobody signed in time.")


def _under_old_policy(proposal: Proposal) -> None:
    """Nobody can sign it any more (`authority.changed_fields`); it is proposed afresh, under the policy of now."""
    reason = "The policy changed after this was verified."
    lapse(proposal, "superseded", actor=audit.SYSTEM, source=SOURCE, reason=reason)


def _supersede(proposal: Proposal) -> None:
    """A later good run, or a person, resolved the incident: there is nothing left to sign."""
    reason = "The incident was resolved meanwhile."
    for execution in proposal.executions.filter(finished_at=None):
        end(execution, "void", reason)
    close(proposal, "superseded", actor=audit.SYSTEM, source=SOURCE, reason=reason)


def _open_window(proposal: Proposal) -> None:
    along(proposal, "fixing", actor=audit.SYSTEM, source=SOURCE, reason="Its window is open.")
    ring_after_commit("approvals.tasks.execute", proposal.pk)


def _too_late(proposal: Proposal) -> None:
    locked = Proposal.objects.select_for_update(of=("self",)).filter(pk=proposal.pk, status="approved")
    if not locked.exists():
        return  # a worker began in time, just now
    execution = Execution.objects.filter(proposal=proposal, direction="forward", finished_at=None).first()
    if execution is not None:
        stop(proposal, execution, "void", "It did not start in time after the last signature.", field="start_by")


def _answered(request: Request) -> None:
    """Just after it was sent the incident may still be on its way to waiting; only a resolved one is an answer."""
    if request.proposal.incident.status == "resolved":
        Request.objects.filter(pk=request.pk).update(closed_at=Now())


def _overdue(request: Request) -> None:
    Request.objects.filter(pk=request.pk).update(closed_at=Now())
    if request.proposal.incident.status == "waiting_on_person":
        reason = f"{request.to_name} was asked and did not answer in time."
        along(request.proposal, "escalated", actor=audit.SYSTEM, source=SOURCE, reason=reason)
