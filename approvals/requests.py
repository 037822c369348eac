"""Ask a person, remind them, and call others when nothing comes."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from app.core import audit
from approvals.models import Message, Proposal, Request

SUBJECT_LIMIT = 300  # characters, of Message.subject


def ask(proposal: Proposal, *, name: str, email: str, words: str, due_h: int, key: str) -> Request:
    """The request and its message, once per key; the message leaves through the outbox."""
    with transaction.atomic():
        made, is_new = Request.objects.get_or_create(
            key=key,
            defaults={
                "proposal": proposal,
                "to_name": name,
                "to_email": email,
                "ask": words,
                "due_at": Now() + timedelta(hours=due_h),
                "sent_at": Now(),
            },
        )
        if is_new:
            _write(made, f"{key}-mail", f"{proposal.incident} needs you: {proposal.incident.title}")
            audit.record(
                "request.sent",
                proposal,
                actor=audit.WORKER,
                source="worker",
                reason=words,
                detail={"to": name, "key": key, "due_h": due_h},
            )
    return made


def remind(request: Request) -> None:
    """One more message, half way to the deadline."""
    _write(request, f"{request.key}-reminder", f"Still open: {request.proposal.incident} needs you")


def _write(request: Request, key: str, subject: str) -> None:
    if not request.to_email:
        return
    incident = request.proposal.incident
    Message.objects.get_or_create(
        key=key,
        defaults={
            "connection": "email",
            "to": request.to_email,
            "subject": subject[:SUBJECT_LIMIT],
            "text": request.ask,
            "link": f"{settings.URL}/incidents/{incident.number}/",
            "incident": incident,
        },
    )
