"""Close a request that nobody proved, and ask the next person whom the signed plan names."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from app.core.audit import Actor, Source
from approvals.models import Execution, Request
from approvals.requests import ask, close, people
from approvals.stop import stop
from approvals.together import along
from integrations.values import Json

WAITS = {"fixing", "waiting_on_person"}  # the first one for a moment only, after it was sent
USUAL = timedelta(hours=4)  # to answer, where the first deadline was moved and says nothing of how long is usual


def pass_on(request: Request, outcome: str, *, reason: str, actor: Actor, source: str | Source) -> None:
    """Close it unproven and ask the next person whom the signed plan names; after the last, people are called.

    Nobody else is ever written to: a name that an answer gives is for people to read. Raises LostRace when it was
    closed meanwhile.
    """
    proposal = request.proposal
    with transaction.atomic():
        close(request, outcome, reason=reason, actor=actor, source=source)
        if proposal.incident.status in WAITS and (following := _next(request)):
            _ask_instead(request, *following)
            return
        execution = Execution.objects.filter(proposal=proposal, direction="forward", finished_at=None).first()
        if execution:
            stop(proposal, execution, "failed", reason)
        elif proposal.incident.status == "waiting_on_person":
            along(proposal, "escalated", actor=actor, source=source, reason=reason)


def _next(request: Request) -> tuple[int, Json] | None:
    known = list(enumerate(people(request.proposal)))
    return next(((place, who) for place, who in known[request.place + 1 :] if who.get("email")), None)


def _ask_instead(request: Request, place: int, who: Json) -> None:
    first = Request.objects.get(proposal=request.proposal, place=0)
    span = first.due_at - first.sent_at if first.sent_at and not first.moved else USUAL
    ask(
        request.proposal,
        name=str(who.get("name") or who["email"]),
        email=str(who["email"]),
        words=request.ask,
        due_h=max(1, round(span.total_seconds() / 3600)),
        key=f"{first.key}-{place}",
        place=place,
    )
