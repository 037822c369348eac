"""An incident goes along with its proposal."""

from __future__ import annotations

from app.core.audit import Actor, Source
from app.core.lifecycle import MOVES, advance
from approvals.models import Proposal

TIRED = 3  # proposals of one incident that lapsed unsigned; after that people are called instead of trying again


def along(proposal: Proposal, to: str, *, actor: Actor, source: str | Source, reason: str = "") -> bool:
    """Move the incident to `to` where its own moves allow it; False when it has gone elsewhere by itself."""
    incident = proposal.incident
    incident.refresh_from_db()
    if to not in MOVES["incident"][incident.status]:
        return False
    advance(incident, to, actor=actor, source=source, reason=reason)
    return True


def close(proposal: Proposal, to: str, *, actor: Actor, source: str | Source, reason: str) -> None:
    """End a proposal with the reason in its row, for the page."""
    Proposal.objects.filter(pk=proposal.pk).update(status_reason=reason)
    proposal.status_reason = reason
    advance(proposal, to, actor=actor, source=source, reason=reason)


def lapse(proposal: Proposal, to: str, *, actor: Actor, source: str | Source, reason: str) -> None:
    """An unsigned proposal ended because time or production went on: its incident is looked at afresh.

    `open` means that it is diagnosed again by itself, from today's facts. That could go round for ever while nobody
    signs, so the third lapse calls people instead; *Re-stage* works from there too.
    """
    close(proposal, to, actor=actor, source=source, reason=reason)
    lapsed = proposal.incident.proposals.filter(status__in=["expired", "superseded"]).count()
    if lapsed < TIRED:
        along(proposal, "open", actor=actor, source=source, reason=reason)
    else:
        along(proposal, "escalated", actor=actor, source=source, reason=f"{reason} This was the {lapsed}th time.")
