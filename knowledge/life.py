"""Keep notes fresh: which are due, overdue, contradict another or misled, and a mail a week to whoever owns them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from app.core import audit
from app.core.audit import WORKER
from app.core.models import User
from integrations import registry
from integrations.errors import IntegrationError
from integrations.ports import Messenger, Wiring
from integrations.values import Notice
from knowledge.hints import ExpectedChange, Hint, RetryWindow, parse
from knowledge.index import is_narrow
from knowledge.models import Entry
from knowledge.queries import review_state, with_use
from knowledge.rights import visible

EVERY = timedelta(days=7)  # between two mails about one entry
OFTEN = 2  # times that an entry misled, and more often than it was right
MAIL = "email"


@dataclass(frozen=True)
class Contradiction:
    other: Entry
    says: str


def contradictions(entry: Entry) -> list[Contradiction]:
    """Other signed entries about the same thing whose hints cannot both be obeyed. One query."""
    mine, about = parse(entry.hints), [key for key in entry.anchors if is_narrow(key)]
    if not mine or not about or entry.state != "signed":
        return []
    seen = Entry.objects.filter(visible(entry.owner), state="signed")  # because its owner is written to
    near = seen.filter(anchors__overlap=about).exclude(pk=entry.pk).order_by("pk")
    return [Contradiction(other, says) for other in near if (says := _against(mine, parse(other.hints)))]


def troubles(entry: Entry, today: date | None = None) -> list[str]:
    """What its owner should look at, in words; `entry` comes with its use (`queries.with_use`)."""
    found = []
    if state := review_state(entry, today):
        found.append(f"its review {'was' if state == 'overdue' else 'is'} due on {entry.review_by:%-d %b %Y}")
    right, misled = getattr(entry, "right", 0), getattr(entry, "misled", 0)
    if misled >= OFTEN and misled > right:
        found.append(f"it misled {misled} diagnoses and was right in {right}")
    found += [f"it contradicts “{one.other.title}”: {one.says}" for one in contradictions(entry)]
    return found


def remind() -> int:
    """One mail to each owner about entries that need a look, at most once a week each; returns how many mails.

    Raises nothing when the server is away: those entries are tried again the next time.
    """
    told: dict[User, list[tuple[Entry, list[str]]]] = defaultdict(list)
    for entry in with_use(_unreminded()).select_related("owner").order_by("pk"):
        if entry.owner and entry.owner.email and (found := troubles(entry)):
            told[entry.owner].append((entry, found))
    return sum(_write_to(owner, rows) for owner, rows in told.items())


def _unreminded() -> QuerySet[Entry]:
    """Signed ones with an owner who still works here, not written about for a week."""
    long_ago = Q(reminded_at=None) | Q(reminded_at__lt=timezone.now() - EVERY)
    return Entry.objects.filter(long_ago, state="signed", owner__is_active=True).exclude(owner__email="")


def _write_to(owner: User, rows: list[tuple[Entry, list[str]]]) -> bool:
    """Claimed before the call, so that two workers do not write twice; given back when it could not be sent."""
    before = {entry.pk: entry.reminded_at for entry, _ in rows}
    with transaction.atomic():
        free = list(_unreminded().select_for_update(of=("self",)).filter(pk__in=before).values_list("pk", flat=True))
        Entry.objects.filter(pk__in=free).update(reminded_at=Now())
    mine = [(entry, found) for entry, found in rows if entry.pk in free]
    if not mine:
        return False
    try:
        _mail().post(_notice(owner, mine))
    except IntegrationError:
        for entry, _ in mine:
            Entry.objects.filter(pk=entry.pk).update(reminded_at=before[entry.pk])
        return False
    with transaction.atomic():
        for entry, found in mine:
            detail = {"to": owner.username, "because": found}
            audit.record("knowledge.reminded", entry, actor=WORKER, source="worker", detail=detail)
    return True


def _notice(owner: User, rows: Iterable[tuple[Entry, list[str]]]) -> Notice:
    listed = list(rows)
    what = "1 entry needs" if len(listed) == 1 else f"{len(listed)} entries need"
    lines = [f"- {entry.title}: {'; '.join(found)}." for entry, found in listed]
    text = "\n".join(["You own what follows. Please correct it, set another date, or archive it.", "", *lines])
    return Notice(owner.email, f"Knowledge: {what} a look", text, f"{settings.URL}/knowledge/?owner=me")


def _mail() -> Messenger:
    """The SMTP settings, which need no connection."""
    nothing = Wiring(MAIL, {}, secret=str, peer=str, workspace=Path(settings.DATA_DIR))
    mail: Messenger = registry.load(MAIL)(nothing)
    return mail


def _against(mine: Iterable[Hint], theirs: Iterable[Hint]) -> str:
    for one in mine:
        for other in theirs:
            if isinstance(one, RetryWindow) and isinstance(other, RetryWindow) and _times(one) != _times(other):
                return f"{one.sentence} Against: {other.sentence}"
            if isinstance(one, ExpectedChange) and isinstance(other, ExpectedChange) and _apart(one, other):
                return f"{one.sentence} Against: {other.sentence}"
    return ""


def _times(hint: RetryWindow) -> tuple[object, ...]:
    return (hint.when, hint.start, hint.end, hint.zone, hint.days)


def _apart(one: ExpectedChange, other: ExpectedChange) -> bool:
    """Of the same column, and no change fits both."""
    if (one.column, one.asset) != (other.column, other.asset):
        return False
    ways = {one.direction, other.direction}
    return ways == {"up", "down"} or one.low > other.high or other.low > one.high
