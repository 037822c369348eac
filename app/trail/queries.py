"""Reads of the audit page: always bounded by an index and a limit, however long the history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import QueryDict

from app.core import audit, seal
from app.core.models import AuditRecord, AuditSeal

PAGE = 50
PERIODS = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}
ACTORS = {"people": "human", "system": "service", "model": "agent"}
DOORS = ["web", "api", "slack", "schedule", "worker", "agent", "command"]


@dataclass(frozen=True)
class Page:
    records: list[AuditRecord]
    older: int | None  # the id below which the next page begins


def page(wish: QueryDict) -> Page:
    """Newest first, keyset by id: page 1,000 costs what page 1 costs."""
    rows = matching(wish)
    before = str(wish.get("before", ""))
    if before.isdigit():
        rows = rows.filter(id__lt=int(before))
    found = list(rows.select_related("seal").order_by("-id")[: PAGE + 1])
    return Page(found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None)


def matching(wish: QueryDict) -> QuerySet[AuditRecord]:
    rows = AuditRecord.objects.all()
    if event := wish.get("event"):
        rows = rows.filter(event=event)
    if actor := ACTORS.get(wish.get("actor", "")):
        rows = rows.filter(actor__type=actor)
    if (door := wish.get("door")) in DOORS:
        rows = rows.filter(source__door=door)
    if wish.get("outcome") == "denied":
        rows = rows.filter(outcome="denied")
    if period := PERIODS.get(wish.get("from", "")):
        rows = rows.filter(time__gt=Now() - period)
    return _search(rows, wish.get("q", "").strip())


def _search(rows: QuerySet[AuditRecord], text: str) -> QuerySet[AuditRecord]:
    """A record's number, an incident (`INC-1042`), or the start of a fingerprint."""
    if not text:
        return rows
    compact = text.replace(" ", "").replace(",", "")
    if compact.upper().startswith("INC-") and compact[4:].isdigit():
        return rows.filter(correlation=int(compact[4:]))
    if compact.isdigit() and len(compact) < 16:
        return rows.filter(id=int(compact))
    return rows.filter(fingerprint__startswith=compact.lower())


@dataclass(frozen=True)
class Shown:
    """One record as the drawer shows it, its hash computed again."""

    record: AuditRecord
    sentence: str
    neighbours: list[AuditSeal]
    fits: bool | None  # None while it waits to be sealed


def shown(pk: int) -> Shown | None:
    record = AuditRecord.objects.select_related("seal").filter(pk=pk).first()
    if record is None:
        return None
    link = getattr(record, "seal", None)
    around = list(AuditSeal.objects.filter(seq__range=(link.seq - 1, link.seq + 1)).order_by("seq")) if link else []
    fits = seal.link(link.seq, link.prev_hash, vars(record)) == link.hash if link else None
    return Shown(record, audit.sentence(record), around, fits)


@dataclass(frozen=True)
class Chain:
    """The head of the chain, and how long the oldest record waits to be sealed."""

    seq: int
    sealed_at: object | None


def chain() -> Chain:
    last = AuditSeal.objects.order_by("-seq").first()
    return Chain(last.seq if last else 0, last.sealed_at if last else None)
