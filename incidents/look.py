"""One look at assets: read the facts about their rows, judge them by their past, keep both, and report what is unusual.

Of a table with versions only rows that a scheduled append added are looked at: a version that deletes or overwrites,
one that follows such a version at once (an overwrite lands as a delete and an append), and one that we wrote ourselves
are no loads. Other tables are looked at as a whole, and the newest day of those that have a date also by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q
from django.db.models.functions import Now

from incidents.bands import Judgement, Past, is_month_end
from incidents.detectors import DAYS, LOAD, WHOLE, judge
from incidents.models import Asset, AssetProfile
from incidents.report import HELD_BACK, Seen, report
from incidents.usual import usual_of
from integrations.gateway_client import Gateway
from integrations.models import Connection
from integrations.values import Json

log = logging.getLogger(__name__)

HISTORY = 40  # past loads, or days, that make a band
LONG_AGO = timedelta(days=400)  # how far back month ends are compared
BATCH = 10  # profiles in one reading, so that a long past does not outlast a call
TABLES = 15  # whole tables in one reading
SLACK = timedelta(minutes=5)  # clocks of other machines; and a load may begin before its run is reported
AT_ONCE = timedelta(seconds=10)  # between the two halves of an overwrite
OURS = "countersign"  # begins the names of summary properties that our own commits carry


def loads(versions: Sequence[Json]) -> list[Json]:
    """The versions that scheduled appends made, newest first as they came."""
    kept = []
    for version, before in zip(versions, [*versions[1:], None], strict=True):
        if version["operation"] != "append" or any(key.startswith(OURS) for key in version["summary"]):
            continue
        if before is None or not _is_second_half(version, before):
            kept.append(version)
    return kept


def look_at_loads(asset: Asset, connection: Connection, *, since: datetime | None) -> list[str]:
    """Profile the loads that are not known yet; returns the checks that found something. Asking twice changes nothing.

    The first look at an asset learns its past, and reports only loads that came after `since` (all where it is None).
    Raises an IntegrationError, `Unsupported` for a connection that keeps no versions.
    """
    gateway = Gateway(None, [connection.name], ["versions", "profile"])
    where = {"namespace": asset.namespace, "name": asset.name}
    versions = loads(gateway.read("versions", {**where, "limit": HISTORY * 2}).result)[:HISTORY]
    known = set(AssetProfile.objects.filter(asset=asset).values_list("version", flat=True))
    fresh = [version for version in versions if version["id"] not in known][::-1]
    after = since - SLACK if since and not known else None
    found: list[str] = []
    for start in range(0, len(fresh), BATCH):
        batch = fresh[start : start + BATCH]
        ids = [version["id"] for version in batch]
        profiles = gateway.read("profile", {**where, "versions": ids, "increment": True}).result
        for version, profile in zip(batch, profiles, strict=True):
            now = Past(datetime.fromisoformat(version["at"]), profile)
            past = past_of(asset, "load", now.at)
            judged = judge(now, past, usual_of(asset), LOAD)
            seen = Seen(asset, connection, now, str(version["id"]), "load", judged, len(past))
            found += _keep(seen, is_reported=after is None or now.at >= after)
    _mark(asset)
    return found


def look_at_tables(
    assets: Sequence[Asset], connection: Connection, *, at: datetime, is_after_run: bool = True
) -> list[str]:
    """Profile whole tables of one connection, as they are at `at`; returns the checks that found something.

    The newest day is judged with the run that brought it; without one, a day is judged once it has ended.
    """
    gateway = Gateway(None, [connection.name], ["profile"])
    found: list[str] = []
    for start in range(0, len(assets), TABLES):
        batch = assets[start : start + TABLES]
        wanted = {"namespace": batch[0].namespace, "name": batch[0].name, "names": [asset.name for asset in batch]}
        for asset, profile in zip(batch, gateway.read("profile", wanted).result, strict=True):
            if profile is None:
                _mark(asset, "The engine could not read it as it is.")
                continue
            now = Past(at, profile)
            past = past_of(asset, "whole", at)
            judged = judge_table(asset, now, past, is_after_run=is_after_run)
            version = f"look-{at.astimezone(UTC):%Y%m%dT%H%M%S}"
            found += _keep(Seen(asset, connection, now, version, "whole", judged, len(past)), is_reported=True)
            _mark(asset)
    return found


def past_of(asset: Asset, scope: str, before: datetime) -> list[Past]:
    """What bands are made of, oldest first: the newest looks that were as usual, and month ends of long ago."""
    rows = AssetProfile.objects.filter(asset=asset, scope=scope, is_known_bad=False, at__lt=before).order_by("-at")
    near = list(rows.only("at", "profile")[:HISTORY])
    far: list[AssetProfile] = []
    if len(near) == HISTORY:
        ends = Q(at__day__gte=28) | Q(at__day=1)  # the load of a month's last day may land the day after
        far = list(rows.filter(ends, at__lt=near[-1].at, at__gt=before - LONG_AGO).only("at", "profile")[:HISTORY])
    past = [Past(row.at, row.profile) for row in near] + [
        one for row in far if is_month_end((one := Past(row.at, row.profile)).day)
    ]
    return past[::-1]


def judge_table(asset: Asset, now: Past, past: Sequence[Past], *, is_after_run: bool) -> list[Judgement]:
    """Every detector of a whole table, and those of its newest day."""
    usual = usual_of(asset)
    judged = judge(now, past, usual, WHOLE)
    days = [each for each in days_of(now) if is_after_run or each.day < now.at.date()]
    return [*judged, *(judge(days[-1], days[-HISTORY - 1 : -1], usual, DAYS) if days else ())]


def days_of(whole: Past) -> list[Past]:
    """Each day of a whole table as if it were a load of its own, oldest first."""
    totals = whole.profile.get("totals") or {}
    made = []
    for day, rows in sorted((totals.get("*") or {}).items()):
        sums = {name: {"sum": by_day[day]} for name, by_day in totals.items() if name != "*" and day in by_day}
        at = datetime.combine(date.fromisoformat(day), time(tzinfo=UTC))
        made.append(Past(at, {"rows": int(rows), "columns": sums, "totals": {"*": {day: rows}}}))
    return made


def _is_second_half(version: Json, before: Json) -> bool:
    """Whether `version` is the append of an overwrite that began with `before`."""
    apart = datetime.fromisoformat(version["at"]) - datetime.fromisoformat(before["at"])
    return before["operation"] in ("delete", "overwrite", "replace") and apart <= AT_ONCE


def _keep(seen: Seen, *, is_reported: bool) -> list[str]:
    """Once, whoever looked first; then tell what is not as usual."""
    unusual = any(each.finding and each.check not in HELD_BACK for each in seen.judged)
    _, is_new = AssetProfile.objects.get_or_create(
        asset=seen.asset,
        version=seen.version,
        defaults={
            "at": seen.now.at,
            "scope": seen.scope,
            "profile": seen.now.profile,
            "judged": [each.as_json() for each in seen.judged],
            "is_known_bad": is_reported and unusual,
        },
    )
    return report(seen) if is_new and is_reported and seen.findings else []


def _mark(asset: Asset, unread: str = "") -> None:
    Asset.objects.filter(pk=asset.pk).update(looked_at=Now(), unread=unread)
