"""All reads of incidents for people. Each costs the same however long the history is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone

from app.core.models import AuditRecord, User
from incidents.agent.records import AgentSession
from incidents.models import SEVERITIES, Asset, Comment, Diagnosis, Evidence, Incident
from incidents.standing import NONE, Newest, Standing, standing
from integrations.models import Connection
from integrations.registry import CONNECTORS

PAGE = 50  # rows of a page, and of what needs a decision; beyond it the number is said as 50+
FEW = 20  # rows of the groups in which nobody needs to act
TRAIL = 300  # newest records of one incident's timeline
NUMBER = re.compile(r"(?i)^\s*(?:inc-?)?(\d{1,15})\s*$")

# key, title, what it says of itself, statuses
GROUPS = [
    ("decide", "Needs your decision", "", ["awaiting_decision", "escalated"]),
    ("working", "Working", "No action needed yet", ["open", "diagnosing", "proposing", "fixing", "validating"]),
    ("watching", "Watching", "Nobody needs to act now", ["watching", "waiting_on_person"]),
]
OPEN = [status for *_, statuses in GROUPS for status in statuses]
RANK = Case(
    *[When(severity=name, then=Value(at)) for at, name in enumerate(SEVERITIES)],
    default=Value(len(SEVERITIES)),
    output_field=IntegerField(),
)


@dataclass(frozen=True)
class Row:
    incident: Incident
    standing: Standing
    expires_at: datetime | None
    source: str


@dataclass(frozen=True)
class Group:
    key: str
    title: str
    note: str
    rows: list[Row]
    more: bool
    oldest: datetime | None = None

    @property
    def count(self) -> str:
        return f"{len(self.rows)}+" if self.more else str(len(self.rows))


def find(number: int) -> Incident:
    """Raises Incident.DoesNotExist."""
    return Incident.objects.select_related("root_asset", "connection", "owner", "run").get(number=number)


def groups(filters: dict[str, str], user: User) -> list[Group]:
    """The inbox: open ones by what they need, and what was resolved today."""
    base = matching(filters, user)
    found = []
    for key, title, note, statuses in GROUPS:
        most = PAGE if key == "decide" else FEW
        ranked = base.filter(status__in=statuses).order_by(RANK, "-opened_at")[: most + 1]
        found.append((key, title, note, most, list(ranked)))
    today = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    resolved = base.filter(status="resolved", resolved_at__gte=today).order_by("-resolved_at")[: FEW + 1]
    found.append(
        ("resolved", "Resolved today", "Published fixes are followed for their next runs", FEW, list(resolved))
    )
    drawn = {row.incident.pk: row for row in rows([i for *_, most, many in found for i in many[:most]])}
    made = []
    for key, title, note, most, many in found:
        oldest = min((i.opened_at for i in many), default=None) if key == "decide" else None
        made.append(Group(key, title, note, [drawn[i.pk] for i in many[:most]], len(many) > most, oldest))
    return [group for group in made if group.rows]


def count_of(groups: Sequence[Group]) -> str:
    """How many rows they have together, as far as they were read."""
    return f"{sum(len(group.rows) for group in groups)}{'+' if any(group.more for group in groups) else ''}"


def page(filters: dict[str, str], user: User) -> tuple[list[Row], int | None]:
    """One page of the history, newest first, and the number before which the next one begins."""
    base = matching(filters, user)
    if filters.get("status") == "resolved":
        base = base.filter(status="resolved")
    elif named := {key: statuses for key, _, _, statuses in GROUPS}.get(filters.get("status", "")):
        base = base.filter(status__in=named)
    if filters.get("before", "").isdigit():
        base = base.filter(number__lt=int(filters["before"]))
    many = list(base.order_by("-number")[: PAGE + 1])
    return rows(many[:PAGE]), many[PAGE - 1].number if len(many) > PAGE else None


def rows(incidents: Sequence[Incident]) -> list[Row]:
    newest = _newest_proposals(incidents)
    drawn = []
    for one in incidents:
        its = newest.get(one.pk, NONE)
        drawn.append(Row(one, standing(one.status, its), its.expires_at, source_of(one.connection)))
    return drawn


def matching(filters: dict[str, str], user: User) -> QuerySet[Incident]:
    found = Incident.objects.select_related("root_asset", "connection", "owner")
    if wanted := filters.get("class"):
        found = found.filter(failure_class=wanted)
    if wanted := filters.get("source"):
        found = found.filter(connection__kind=wanted)
    if filters.get("owner") == "me":
        found = found.filter(owner=user)
    elif filters.get("owner") == "none":
        found = found.filter(owner=None)
    if words := filters.get("q", "").strip():
        found = found.filter(_search(words))
    return found


def changed_since(at: datetime, filters: dict[str, str], user: User) -> int:
    """How many incidents of this view moved after it was drawn; counts no further than the page is long."""
    return matching(filters, user).filter(status_at__gt=at)[: PAGE + 1].count()


def sources() -> list[tuple[str, str]]:
    """Kinds of connection that tell of incidents, with their labels."""
    kinds = Connection.objects.order_by("kind").values_list("kind", flat=True).distinct()
    known = [(kind, CONNECTORS[kind]) for kind in kinds if kind in CONNECTORS]
    return [(kind, entry.label) for kind, entry in known if "Messenger" not in entry.ports]


def source_of(connection: Connection) -> str:
    entry = CONNECTORS.get(connection.kind)
    return entry.label if entry else connection.kind


def last_resolved() -> Incident | None:
    closed = Incident.objects.filter(status="resolved").exclude(resolved_at=None)
    return closed.select_related("root_asset").order_by("-resolved_at").first()


def trail(number: int) -> list[AuditRecord]:
    """The newest records of one incident, in order."""
    return list(reversed(AuditRecord.objects.filter(correlation=number).order_by("-id")[:TRAIL]))


def comments(incident: Incident) -> dict[int, Comment]:
    return {made.pk: made for made in incident.comments.select_related("author")[:TRAIL]}


def diagnosis_of(incident: Incident) -> Diagnosis | None:
    return incident.diagnoses.order_by("-pk").first()


def session_of(diagnosis: Diagnosis | None) -> AgentSession | None:
    """The model's look that belongs to a diagnosis."""
    if diagnosis is None:
        return None
    return AgentSession.objects.prefetch_related("steps").filter(diagnosis=diagnosis).order_by("-pk").first()


def evidence_of(incident: Incident) -> list[Evidence]:
    """In the order of their labels: E1, E2, E10, K1."""
    return sorted(incident.evidence.all(), key=lambda e: (e.label[:1], int(re.sub(r"\D", "", e.label) or 0)))


def people() -> list[User]:
    """Who can be given an incident."""
    return list(User.objects.filter(is_active=True, roles__overlap=["operator", "approver"]).order_by("username")[:200])


def newest_proposal(incident: Incident) -> Newest:
    return _newest_proposals([incident]).get(incident.pk, NONE)


def _newest_proposals(incidents: Iterable[Incident]) -> dict[int, Newest]:
    # By the name of the relation, because this chapter may not import the later one.
    newest: Any = Incident.objects.filter(pk__in=[i.pk for i in incidents], proposals__isnull=False)
    newest = newest.order_by("pk", "-proposals__number").distinct("pk")
    told = newest.values_list("pk", *(f"proposals__{name}" for name in ("status", "action", "rehearsal", "expires_at")))
    return {pk: Newest(status, action, rehearsal == "branch", at) for pk, status, action, rehearsal, at in told}


def _search(words: str) -> Q:
    if exact := NUMBER.match(words):
        return Q(number=int(exact.group(1)))
    assets = Asset.objects.filter(name__icontains=words).values("pk")[:500]
    return Q(title__icontains=words) | Q(root_asset__in=list(assets.values_list("pk", flat=True)))
