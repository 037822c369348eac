"""Which incidents want a message, and which messages are no longer what they should be. Reads, and one insert."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import BooleanField, Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now

from app.core.models import AuditRecord
from approvals.live.models import LiveMessage
from incidents.models import Diagnosis, Incident
from integrations import registry
from integrations.models import Connection
from integrations.untrusted import mapping

FRESH = timedelta(hours=24)  # nothing older is announced: it was, or it is history that was loaded
FOLLOWED = timedelta(
    hours=48
)  # after it was resolved: a fix can be taken back for 24 h, and comes back in the next runs
PATIENCE = timedelta(seconds=2)  # most diagnoses by rules are there by then: one that decides nothing makes no noise
QUIET = timedelta(minutes=30)  # an inconclusive incident that nobody took by then needs a person
LOUD = ["critical", "high"]  # severities of which an inconclusive diagnosis is told at once
BATCH = 100


def teams() -> list[Connection]:
    """Every connection whose messages stay current."""
    kinds = [entry.kind for entry in registry.entries() if "LiveMessenger" in entry.ports]
    return list(Connection.objects.filter(kind__in=kinds, enabled=True))


def begin(team: Connection, number: int | None) -> None:
    """A row for each incident that wants a message in `team` and has none. Safe to run twice at once."""
    wanting = _wanting(team).filter(**({"number": number} if number else {})).order_by("number")[:BATCH]
    rows = [LiveMessage(incident=incident, connection=team, room=room(team, incident)) for incident in wanting]
    LiveMessage.objects.bulk_create(rows, ignore_conflicts=True)


def room(team: Connection, incident: Incident) -> str:
    """The channel of its owner where one is configured, else the default one."""
    owner = incident.root_asset.owner
    names = {str(owner.get(key, "")).strip().casefold() for key in ("name", "email")} - {""}
    routes = mapping(team.config.get("channels"))
    found = [str(to) for who, to in routes.items() if who.strip().casefold() in names]
    return (found[0] if found else str(team.config.get("channel", "")))[:120]


def due(number: int | None) -> list[LiveMessage]:
    """Messages to be brought up to date now, oldest news first."""
    live = Q(incident__status_at__gte=Now() - FOLLOWED) | ~Q(incident__status="resolved")
    old = ~Q(told=F("known")) | Q(message="") | Q(again_at__lte=Now())
    free = Q(retry_at=None) | Q(retry_at__lte=Now())
    unheld = Q(lease_until=None) | Q(lease_until__lt=Now())
    rows = LiveMessage.objects.filter(live, free, unheld, connection__in=teams()).annotate(known=_records()).filter(old)
    if number:
        rows = rows.filter(incident__number=number)
    return list(rows.select_related("incident", "connection").order_by("incident__status_at", "pk")[:BATCH])


def known(incident: Incident) -> int:
    """How many records its trail has: it grows with each change, in whatever order they were committed."""
    return AuditRecord.objects.filter(correlation=incident.number).count()


def _records() -> Coalesce:
    mine = AuditRecord.objects.filter(correlation=OuterRef("incident__number")).order_by()
    return Coalesce(Subquery(mine.values("correlation").annotate(many=Count("pk")).values("many")), 0)


def _wanting(team: Connection) -> QuerySet[Incident]:
    """What ended before anybody heard of it stays quiet, and so does what was looked at in vain, for a while."""
    newest = Diagnosis.objects.filter(incident=OuterRef("pk")).order_by("-pk").values("inconclusive")[:1]
    told = LiveMessage.objects.filter(incident=OuterRef("pk"), connection=team)
    fresh = Incident.objects.filter(status_at__gte=Now() - FRESH).exclude(status="resolved").filter(~Exists(told))
    young = Q(status__in=["open", "diagnosing"], opened_at__gt=Now() - PATIENCE)
    vain = Q(status="escalated", in_vain=True) & ~Q(severity__in=LOUD)
    unheard = vain & (Q(status_at__gt=Now() - QUIET) | Q(owner__isnull=False))
    rows = fresh.annotate(in_vain=Coalesce(Subquery(newest, output_field=BooleanField()), False))
    return rows.exclude(young).exclude(unheard).select_related("root_asset")
