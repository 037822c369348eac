"""The freeze calendar: times in which no fix starts, for everything, a connection, an action or an asset."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from app.core import audit, clock
from app.core.audit import Actor, Source
from app.core.errors import Invalid
from app.core.models import User
from app.core.roles import require
from approvals.kill_switch import Halted, require_scope, scopes_of
from approvals.models import Freeze
from approvals.plan import Plan
from integrations.values import Json

REASON = 300  # characters
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def in_force(plan: Plan, at: datetime | None = None) -> Freeze | None:
    """The freeze that holds this plan at `at` (default: now, by the database's clock); None when it may start."""
    at = at or clock.now()
    rows = standing().filter(scope__in=scopes_of(plan))
    return next((row for row in rows if covers(row, at)), None)


def require_none(plan: Plan) -> None:
    """Raises Halted inside a freeze."""
    if row := in_force(plan):
        raise Halted(f"Nothing starts for {row.scope} {words(row)}: {row.reason}")


def standing() -> QuerySet[Freeze]:
    """Rows that were not taken away and are not over."""
    return Freeze.objects.filter(Q(until=None) | Q(until__gt=Now()), ended_at=None).order_by("pk")


def covers(row: Freeze, at: datetime) -> bool:
    """Whether `row` holds at this moment. Pure.

    A weekly one goes by the clock on the wall of its zone, on days when that clock is changed as well; where it ends
    no later than it begins it reaches into the next day.
    """
    if not row.weekdays:
        return bool(row.since and row.until and row.since <= at < row.until)
    local = at.astimezone(ZoneInfo(row.zone))
    today, yesterday, now = local.weekday(), (local - timedelta(days=1)).weekday(), local.time()
    if row.opens < row.closes:
        return today in row.weekdays and row.opens <= now < row.closes
    return (today in row.weekdays and now >= row.opens) or (yesterday in row.weekdays and now < row.closes)


def words(row: Freeze) -> str:
    """When it holds, for people."""
    if row.since and row.until:
        return f"from {row.since:%-d %b %H:%M} to {row.until:%-d %b %H:%M} UTC"
    days = ", ".join(DAYS[day] for day in sorted(row.weekdays))
    return f"on {days} from {row.opens:%H:%M} to {row.closes:%H:%M} {row.zone}"


def declare(
    scope: str, *, reason: str, since: datetime | None = None, until: datetime | None = None,
    weekdays: Sequence[int] = (), opens: time | None = None, closes: time | None = None, zone: str = "UTC",
    by: User, actor: Actor, source: Source,
) -> Freeze:  # fmt: skip
    """Once, from `since` until `until`; or each week on `weekdays` (0 is Monday) between two times of `zone`.

    Raises NotAllowed and Invalid.
    """
    require(by, "freeze.manage")
    require_scope(scope)
    if not reason.strip():
        raise Invalid("Say why: it is shown to whoever waits.")
    if weekdays and (opens is None or closes is None or not set(weekdays) <= set(range(7))):
        raise Invalid("A weekly freeze needs days, and the times between which it holds.")
    if zone not in available_timezones():
        raise Invalid(f"There is no time zone {zone[:60]}. Write one like Europe/Berlin.")
    if not weekdays and (since is None or until is None or until <= since):
        raise Invalid("A freeze needs a beginning and a later end, or days of the week.")
    times: Json = {"since": since, "until": until}
    if weekdays:
        times = {"weekdays": sorted(set(weekdays)), "opens": opens, "closes": closes, "zone": zone}
    with transaction.atomic():
        row = Freeze.objects.create(scope=scope, reason=reason.strip()[:REASON], declared_by=by, **times)
        audit.record(
            "freeze.declared", row, actor=actor, source=source, reason=row.reason,
            detail={"scope": scope, "when": words(row)},
        )  # fmt: skip
    return row


def end(row: Freeze, *, by: User, actor: Actor, source: Source) -> None:
    """Take it away; twice it is once."""
    require(by, "freeze.manage")
    with transaction.atomic():
        if Freeze.objects.filter(pk=row.pk, ended_at=None).update(ended_at=Now(), ended_by=by):
            audit.record("freeze.ended", row, actor=actor, source=source, detail={"scope": row.scope})
