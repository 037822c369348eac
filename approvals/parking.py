"""What was taken up again and again and never came to an end is put aside for a person."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from app.core import audit
from app.core.errors import IllegalMove, LostRace
from app.core.lease import MAX_ATTEMPTS
from app.core.lifecycle import MOVES, NEXT, advance
from approvals.models import Proposal
from approvals.together import along, close
from incidents.models import Incident

SOURCE = audit.Source("schedule")
REASON = f"It was tried {MAX_ATTEMPTS} times and a worker died or failed each time."
OF_EXECUTION = {"approved", "executing"}  # there the Execution has the lease, counts, and stops by itself


def park() -> int:
    """Hand subjects over the limit of attempts to people; returns how many."""
    proposals = [status for kind, status in NEXT if kind == "proposal" and status not in OF_EXECUTION]
    incidents = [status for kind, status in NEXT if kind == "incident"]
    tired = Q(attempts__gte=MAX_ATTEMPTS) & (Q(lease_until=None) | Q(lease_until__lt=Now()))
    put_aside = [_proposal(row) for row in Proposal.objects.filter(tired, status__in=proposals)]
    put_aside += [_incident(row) for row in Incident.objects.filter(tired, status__in=incidents)]
    return sum(put_aside)


def _proposal(proposal: Proposal) -> int:
    try:
        with transaction.atomic():
            close(proposal, "failed", actor=audit.SYSTEM, source=SOURCE, reason=REASON)
            along(proposal, "escalated", actor=audit.SYSTEM, source=SOURCE, reason=REASON)
    except (LostRace, IllegalMove):
        return 0
    return 1


def _incident(incident: Incident) -> int:
    """From `open` by way of `diagnosing`, because that is the only way out."""
    try:
        with transaction.atomic():
            if "escalated" not in MOVES["incident"][incident.status]:
                advance(incident, "diagnosing", actor=audit.SYSTEM, source=SOURCE, reason=REASON)
            advance(incident, "escalated", actor=audit.SYSTEM, source=SOURCE, reason=REASON)
    except (LostRace, IllegalMove):
        return 0
    return 1
