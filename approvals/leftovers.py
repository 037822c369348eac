"""Staging branches of proposals that came to an end: kept for a while to be looked at, then dropped."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models.functions import Now

from approvals.models import Proposal
from approvals.steps.work import connected
from integrations.effects import Branch
from integrations.errors import IntegrationError

log = logging.getLogger(__name__)

ENDED = ["done", "undone", "rejected", "changes_requested", "expired", "superseded", "failed", "verification_failed"]
KEEP = timedelta(hours=48)  # twice as long as a fix can be undone
GIVE_UP = timedelta(days=7)  # a branch that cannot be dropped by then is its owner's to look at
BATCH = 20  # proposals per call


def drop_branches() -> int:
    """Drop what is old enough; returns of how many proposals. The proposal keeps what the branch was."""
    rows = Proposal.objects.filter(status__in=ENDED, status_at__lt=Now() - KEEP, status_at__gt=Now() - GIVE_UP)
    waiting = rows.exclude(branches=[]).exclude(staging__has_key="dropped").order_by("pk")
    return sum(_drop(proposal) for proposal in waiting[:BATCH])


def _drop(proposal: Proposal) -> bool:
    try:
        for row in proposal.branches:
            connected(row["connection"]).drop(Branch(**row))
    except IntegrationError as error:
        log.warning("branches of %s not dropped: %s", proposal, error.__class__.__name__)
        return False
    Proposal.objects.filter(pk=proposal.pk).update(staging={**proposal.staging, "dropped": True})
    return True
