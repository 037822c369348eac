"""What people do with an incident besides deciding: take it, talk about it, ask for another look."""

from __future__ import annotations

from django.db import transaction

from app.core import audit
from app.core.audit import Actor, Source
from app.core.errors import Invalid
from app.core.lifecycle import advance
from app.core.models import User
from app.core.roles import may, require
from incidents.models import Comment, Incident

COMMENT_LIMIT = 10_000  # characters


def assign(incident: Incident, owner: User | None, *, by: User, actor: Actor, source: Source) -> None:
    """Make `owner` (nobody when None) the incident's owner. Raises Invalid for a person who may not work on it."""
    require(by, "incident.work")
    if owner is not None and not may(owner, "incident.work"):
        raise Invalid(f"{owner.label} may not work on incidents. Give them the role operator or approver first.")
    with transaction.atomic():
        before = incident.owner.label if incident.owner else ""
        Incident.objects.filter(pk=incident.pk).update(owner=owner)
        incident.owner = owner
        after = owner.label if owner else ""
        audit.record("incident.assigned", incident, actor=actor, source=source, before=before, after=after)


def comment(incident: Incident, text: str, *, by: User, actor: Actor, source: Source) -> Comment:
    """Add a comment; the words are kept whole, the trail says that there was one."""
    require(by, "incident.work")
    text = text.strip()
    if not text or len(text) > COMMENT_LIMIT:
        raise Invalid(f"A comment has between 1 and {COMMENT_LIMIT} characters.")
    with transaction.atomic():
        made = Comment.objects.create(incident=incident, author=by, text=text)
        audit.record("incident.commented", incident, actor=actor, source=source, detail={"comment": made.pk})
    return made


def diagnose_again(incident: Incident, *, by: User, actor: Actor, source: Source) -> None:
    """Send an escalated incident, or one whose answer did not help, back to diagnosis."""
    require(by, "incident.work")
    with transaction.atomic():
        audit.record("incident.rediagnosed", incident, actor=actor, source=source)
        advance(incident, "diagnosing", actor=actor, source=source, reason="A person asked for a new diagnosis.")
