"""Ask a person and write to them about it. What follows is in `asking/`."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from app.core import audit
from app.core.audit import Actor, Source
from app.core.errors import LostRace
from approvals.asking.link import KEPT, seal
from approvals.models import Message, Proposal, Request
from integrations.values import Json

SUBJECT_LIMIT = 300  # characters, of Message.subject


def ask(proposal: Proposal, *, name: str, email: str, words: str, due_h: int, key: str, place: int = 0) -> Request:
    """The request and its message, once per key; the message leaves through the outbox."""
    due = Now() + timedelta(hours=due_h)
    with transaction.atomic():
        made, is_new = Request.objects.get_or_create(
            key=key,
            defaults={
                "proposal": proposal,
                "to_name": name,
                "to_email": email,
                "ask": words,
                "due_at": due,
                "until": due + KEPT,
                "sent_at": Now(),
                "place": place,
                **seal(),
            },
        )
        if is_new:
            made.refresh_from_db()
            write(made, "mail", f"{proposal.incident} needs you: {proposal.incident.title}", _asking(made))
            record("request.sent", made, audit.WORKER, "worker", reason=words, key=key, due_h=due_h, place=place)
    return made


def remind(request: Request) -> None:
    """One more message, half way to the deadline; another one half way to a deadline that moved."""
    subject = f"Still open: {request.proposal.incident} needs you"
    if write(request, "reminder-moved" if request.moved else "reminder", subject, _asking(request)):
        record("request.reminded", request, audit.SYSTEM, "schedule")


def close(request: Request, outcome: str, *, reason: str, actor: Actor, source: str | Source) -> None:
    """Once. Raises LostRace when it was closed meanwhile."""
    if Request.objects.filter(pk=request.pk, closed_at=None).update(closed_at=Now(), outcome=outcome) != 1:
        raise LostRace("This request is closed already.")
    request.refresh_from_db()
    record("request.closed", request, actor, source, reason=reason, outcome=outcome)


def write(request: Request, name: str, subject: str, text: str) -> bool:
    """A message to who was asked, once per name; False where it is written already, or there is no address."""
    if not request.to_email:
        return False
    incident = request.proposal.incident
    _, is_new = Message.objects.get_or_create(
        key=f"{request.key}-{name}",
        defaults={
            "connection": "email",
            "to": request.to_email,
            "subject": subject[:SUBJECT_LIMIT],
            "text": text,
            "link": f"{settings.URL}/incidents/{incident.number}/",
            "request": request,
            "incident": incident,
        },
    )
    return is_new


def record(
    event: str, request: Request, actor: Actor, source: str | Source, *, reason: str = "", **detail: object
) -> None:
    """One record about a request, under its proposal."""
    about = {"to": request.to_name, **detail}
    audit.record(event, request.proposal, actor=actor, source=source, reason=reason, detail=about)


def people(proposal: Proposal) -> list[Json]:
    """[{"name", "email"}] whom the plan asks, in order: the bytes that were signed."""
    step = next((one for one in proposal.plan.get("steps", []) if one.get("kind") == "ask"), None)
    return [step["params"]["to"], *step["params"].get("then", [])] if step else []


def _asking(request: Request) -> str:
    return (
        f"{request.ask}\n\nPlease answer by {request.due_at:%A, %d %B %Y, %H:%M} UTC: done, not me, or that you need "
        "more time. The link is for you alone and needs no account:"
    )
