"""What time does: expiry, windows that open, starts that came too late, people who did not answer."""

from __future__ import annotations

from django.db.models import Q
from django.db.models.functions import Now

from app.core import audit
from app.core.tasks import ring_after_commit
from approvals.apart import apart
from approvals.asking.follow_up import follow_up
from approvals.leftovers import drop_branches
from approvals.models import Execution, Proposal
from approvals.policy.versions import current
from approvals.stop import end, stop
from approvals.together import along, close, lapse

SOURCE = audit.Source("schedule")
UNSTARTED = ["drafted", "staging", "verifying", "awaiting_decision", "approved"]


def deadlines() -> None:
    """Apply every deadline that has passed, by the database's clock. Safe to run twice at once."""
    proposals = Proposal.objects.select_related("incident").order_by("pk")
    unstarted = Q(status__in=UNSTARTED) | Q(status="executing", requests__outcome="over")
    apart(proposals.filter(unstarted, incident__status="resolved"), _supersede)
    apart(proposals.filter(status="awaiting_decision", expires_at__lte=Now()), _expire)
    apart(proposals.filter(status="awaiting_decision").exclude(policy__hash=current()[1]), _under_old_policy)
    apart(proposals.filter(status="approved", not_before__lte=Now(), incident__status="watching"), _open_window)
    apart(proposals.filter(status="approved", start_by__lt=Now()), _too_late)
    follow_up()
    drop_branches()


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
