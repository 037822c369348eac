"""Where an incident and a proposal may go, and the one function that moves them. Read the tables as the story."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from app.core import audit
from app.core.errors import IllegalMove, LostRace
from app.core.tasks import ring_after_commit

if TYPE_CHECKING:
    from app.core.audit import Actor, Source
    from app.core.models import Stateful

WORKING = ["diagnosing", "proposing", "awaiting_decision", "fixing", "validating", "watching", "waiting_on_person"]

# DESIGN.md section 3. Three moves were added and are explained in the README's decisions: a signed request
# (fixing -> waiting_on_person), what was signed to follow it (and back), an undone fix (resolved -> escalated).
MOVES: dict[str, dict[str, list[str]]] = {
    "incident": {
        "open": ["diagnosing", "resolved"],
        "diagnosing": ["proposing", "escalated", "resolved"],
        "proposing": ["awaiting_decision", "waiting_on_person", "escalated", "resolved"],
        "awaiting_decision": ["fixing", "watching", "proposing", "escalated", "open", "resolved"],
        "fixing": ["validating", "waiting_on_person", "escalated", "resolved"],
        "validating": ["resolved", "escalated"],
        "watching": ["fixing", "resolved", "escalated"],
        "waiting_on_person": ["diagnosing", "fixing", "resolved", "escalated"],
        "escalated": [*WORKING, "resolved"],
        "resolved": ["open", "escalated"],
    },
    "proposal": {
        "drafted": ["staging", "verifying", "blocked", "superseded", "failed"],
        "staging": ["verifying", "failed", "superseded", "blocked"],
        "verifying": ["awaiting_decision", "verification_failed", "failed", "superseded", "blocked"],
        "awaiting_decision": ["approved", "rejected", "changes_requested", "expired", "superseded", "blocked"],
        "approved": ["executing", "expired", "superseded", "blocked", "failed"],
        "executing": ["validating", "done", "failed", "superseded"],
        "validating": ["done", "failed", "undone"],
        "done": ["undone"],
        "verification_failed": ["superseded"],
        "rejected": [],
        "changes_requested": ["superseded"],
        "expired": ["superseded"],
        "superseded": [],
        "blocked": ["superseded"],
        "failed": ["undone"],
        "undone": [],
    },
}

# What code does next in a status; where a status is missing, a person must go on. Names are tasks, so that an early
# chapter can point forward without importing forward. The sweep rings again when nobody holds the lease.
NEXT: dict[tuple[str, str], str] = {
    ("incident", "open"): "incidents.tasks.diagnose",
    ("incident", "diagnosing"): "incidents.tasks.diagnose",
    ("incident", "proposing"): "approvals.tasks.propose",
    ("proposal", "drafted"): "approvals.tasks.stage",
    ("proposal", "staging"): "approvals.tasks.stage",
    ("proposal", "verifying"): "approvals.tasks.verify",
    ("proposal", "approved"): "approvals.tasks.execute",
    ("proposal", "executing"): "approvals.tasks.execute",
    ("proposal", "validating"): "approvals.tasks.validate",
}

# Whoever is on call hears of these at once; when the bell is lost, the schedule writes the missing messages.
TOLD = {("proposal", "awaiting_decision"), ("incident", "escalated"), ("incident", "waiting_on_person")}

# Where the sweep finds the subjects of each kind.
MODELS = {"incident": "incidents.Incident", "proposal": "approvals.Proposal"}

# Proposal statuses in which it is the incident's live one: the database allows one per incident.
LIVE = ["drafted", "staging", "verifying", "awaiting_decision", "approved", "executing", "validating"]


def advance(
    subject: Stateful, to: str, *, actor: Actor, source: str | Source, reason: str = "", error_code: str = "",
    **detail: object,
) -> None:  # fmt: skip
    """Move `subject` to status `to`: status, audit record and doorbell are one fact.

    Whoever holds the lease for `to` as well goes on holding it, and nobody is rung for. Raises IllegalMove when MOVES
    forbids it, LostRace when another worker or a second click was first, or took the mover's lease over.
    """
    kind, before = subject.kind, subject.status
    epoch, statuses = subject.held or (None, ())
    goes_on = to in statuses
    if to not in MOVES[kind][before]:
        raise IllegalMove(f"{subject} cannot go from {before} to {to}.")
    with transaction.atomic():
        live = type(subject)._default_manager.filter(pk=subject.pk, status=before)
        if epoch is not None:
            live = live.filter(epoch=epoch)
        freed = {} if goes_on else {"lease_until": None}
        if live.update(status=to, status_at=Now(), attempts=0, **freed) != 1:
            raise LostRace(f"{subject} was no longer {before}, or is held by another worker.")
        audit.record(
            f"{kind}.{to}", subject, actor=actor, source=source, reason=reason, before=before, after=to, detail=detail,
            outcome="denied" if error_code else "success", error_code=error_code,
        )  # fmt: skip
        if not goes_on and (step := NEXT.get((kind, to))):
            # robust, because a dead broker must not undo the fact: the sweep rings again
            ring_after_commit(step, subject.pk)
        if (kind, to) in TOLD:
            ring_after_commit("approvals.tasks.send")
    subject.status = to
