"""Take an answer to a request. It can say something; it decides nothing, and starts nothing that was not signed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Now

from app.core.audit import Actor, Source
from app.core.errors import Expired, Invalid
from app.core.tasks import ring_after_commit
from approvals.asking.link import KEPT
from approvals.asking.models import Answer
from approvals.asking.pass_on import pass_on
from approvals.models import Request
from approvals.requests import record

LONGEST = timedelta(days=7)  # from when it was sent until the latest deadline that anybody may give themselves
MOST = 40  # answers of one request that are kept
PROVE = "approvals.tasks.prove"


def answer(
    request: Request, kind: str, *, words: str = "", name: str = "", until: datetime | None = None, source: Source
) -> Answer:
    """Keep one answer of `kind` (done, not_me, more_time, words) and do what it means.

    done       the data is looked at; only that closes it
    not_me     the next one whom the signed plan names is asked; `name` is shown to people, and never written to
    more_time  the deadline moves, once, to `until`, within a week of the asking

    Raises Expired when it is closed, Invalid for a time that cannot be given.
    """
    with transaction.atomic():
        live = Request.objects.select_for_update(of=("self",)).select_related("proposal__incident")
        found = live.filter(pk=request.pk, closed_at=None, until__gt=Now()).first()
        if found is None:
            raise Expired("This was closed meanwhile. There is nothing left to answer.")
        if found.answers.count() >= MOST:
            raise Invalid("There are many answers already. Please talk to the people on call.")
        if kind == "more_time":
            _move(found, until)
        kept = Answer.objects.create(
            request=found, kind=kind, words=words, name=name, until=until, source=source.as_json()
        )
        who = Actor(f"request:{found.pk}", f"{found.to_name} (by the link)")
        record("request.answered", found, who, source, reason=words, answer=kept.label, named=name)
        if kind == "done":
            ring_after_commit(PROVE, found.pk)
        if kind == "not_me":
            named = f" They named {name}." if name else ""
            pass_on(found, "not_me", reason=f"{found.to_name} says it is not theirs.{named}", actor=who, source=source)
    return kept


def latest(request: Request) -> datetime | None:
    """The latest deadline that may be given; None where it was moved already."""
    return None if request.moved or request.sent_at is None else request.sent_at + LONGEST


def _move(request: Request, until: datetime | None) -> None:
    bound = latest(request)
    if bound is None:
        raise Invalid("The deadline was moved once already. Please talk to the people on call.")
    if until is None or not request.due_at < until <= bound:
        raise Invalid(f"Give a time after the deadline, until {bound:%d %B %Y, %H:%M} UTC at the latest.")
    Request.objects.filter(pk=request.pk).update(due_at=until, until=until + KEPT, moved=True)
