"""All reads of proposals for people."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from app.core.models import User
from approvals.models import Decision, Proposal


def for_me(user: User) -> QuerySet[Proposal]:
    """What this person may still sign: verified, not edited by them, not yet signed by them."""
    mine = Decision.objects.filter(proposal=OuterRef("pk"), by=user, decision="approve", withdrawn_at=None)
    waiting = Proposal.objects.filter(status="awaiting_decision").exclude(editors__contains=[user.pk])
    return waiting.filter(~Exists(mine))


def waiting_for(user: User, *, most: int) -> int:
    """How many wait for this person; counts no further than one above `most`."""
    return for_me(user)[: most + 1].count()
