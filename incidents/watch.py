"""By the clock: is a load late, and what about tables that no run tells of. Rung every few minutes.

Each asset is claimed by its own row, so that two workers share the work and none does it twice.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from incidents import arrivals, lineage
from incidents.arrivals import Arrivals
from incidents.bands import Finding, Judgement, Past
from incidents.look import look_at_loads, look_at_tables
from incidents.models import Asset, AssetProfile, Incident
from incidents.recheck import clear
from incidents.report import STILL, Seen, firing, passed, report
from incidents.usual import is_muted
from integrations.errors import IntegrationError, Unsupported
from integrations.grants import TOOLS
from integrations.models import Connection
from integrations.registry import CONNECTORS
from integrations.values import Json

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(hours=6)  # a table that runs tell of is looked at more often, after each
AT_ONCE = 40  # tables in one round; the next round takes those that waited longest
KEEP = 400  # looks of one asset: more than a year of days
NO_ROWS = ["job", "dashboard"]


def watch() -> list[str]:
    """One round; returns the checks that found something."""
    return [*_late(), *_look(), *_changed_columns()]


# --- is a load late ----------------------------------------------------------------------------------------------


def _late() -> list[str]:
    """One alert for the loads of a job whose next one is overdue, unless what they are made of is late itself."""
    now = timezone.now()
    late: list[tuple[Arrivals, Judgement]] = []
    for each in arrivals.watched(now):
        judged = each.judge(now)
        if judged and judged.finding:
            late.append((each, judged))
        elif judged:
            _landed(each)
    everything = {asset.pk for each, _ in late for asset in each.assets}
    above = lineage.above(everything)
    found: list[str] = []
    for each, judged in late:
        mine = {asset.pk for asset in each.assets}
        upstream = {pk for asset in mine for pk in above[asset]} - mine
        if not upstream & everything and not is_muted(each.assets[0], "freshness"):
            found += _overdue(each, judged)
    return found


def _overdue(each: Arrivals, judged: Judgement) -> list[str]:
    seen = Seen(each.assets[0], each.connection, Past(each.last, {}), each.last.isoformat(), "load", [judged])
    return report(seen, [judged.finding]) if judged.finding else []


def _landed(each: Arrivals) -> None:
    for payload in firing(each.assets[0]):
        if payload["check"] == "freshness":
            passed(each.connection, payload)


# --- tables that no run tells of ---------------------------------------------------------------------------------


def _look() -> list[str]:
    kinds = [entry.kind for entry in CONNECTORS.values() if TOOLS["profile"] in entry.ports]
    served = {c.namespace: c for c in Connection.objects.filter(enabled=True, kind__in=kinds).order_by("-pk")}
    due = Q(looked_at=None) | Q(looked_at__lt=Now() - LOOK_EVERY)
    rows = Asset.objects.filter(due, namespace__in=served).exclude(kind__in=NO_ROWS)
    groups: dict[str, list[Asset]] = defaultdict(list)
    for asset in rows.order_by(F("looked_at").asc(nulls_first=True), "pk")[:AT_ONCE]:
        if Asset.objects.filter(pk=asset.pk, looked_at=asset.looked_at).update(looked_at=Now()):
            groups[asset.namespace].append(asset)
    found = [check for namespace, assets in groups.items() for check in _look_at(served[namespace], assets)]
    _forget([asset for assets in groups.values() for asset in assets])
    return found


def _forget(assets: Sequence[Asset]) -> None:
    for asset in assets:
        old = asset.profiles.order_by("-at").values_list("pk", flat=True)[KEEP:]
        AssetProfile.objects.filter(pk__in=list(old)).delete()


def _look_at(connection: Connection, assets: list[Asset]) -> list[str]:
    found: list[str] = []
    for asset in assets:
        try:
            found += look_at_loads(asset, connection, since=timezone.now() - LOOK_EVERY)
            clear(asset)
        except Unsupported:
            return [*found, *_look_at_whole(connection, assets)]
        except IntegrationError as error:
            _unread([asset], error)
    return found


def _look_at_whole(connection: Connection, assets: list[Asset]) -> list[str]:
    try:
        found = look_at_tables(assets, connection, at=timezone.now(), is_after_run=False)
        for asset in assets:
            clear(asset)
    except IntegrationError as error:
        _unread(assets, error)
        return []
    return found


def _unread(assets: Sequence[Asset], error: IntegrationError) -> None:
    log.info("%s was not looked at: %s", ", ".join(map(str, assets[:5])), error)
    Asset.objects.filter(pk__in=[asset.pk for asset in assets]).update(unread=str(error)[:300])


# --- columns that changed ----------------------------------------------------------------------------------------


def _changed_columns() -> list[str]:
    """Reported only where no run broke on it: what broke says it better, and has the fix."""
    since = timezone.now() - LOOK_EVERY * 2
    rows = AssetProfile.objects.filter(
        told_at__gt=since, is_known_bad=False, judged__contains=[{"check": "schema", "ok": False}]
    )
    found: list[str] = []
    for row in rows.select_related("asset").order_by("pk")[:AT_ONCE]:
        finding = next(each["finding"] for each in row.judged if each["check"] == "schema")
        if AssetProfile.objects.filter(asset=row.asset, at__gt=row.at).exists() or is_muted(row.asset, "schema"):
            continue
        below = lineage.below([row.asset.pk])[row.asset.pk]
        if Incident.objects.filter(root_asset__in=below, status__in=[*STILL, "fixing", "validating"]).exists():
            continue
        found += _report_columns(row, finding)
    return found


def _report_columns(row: AssetProfile, finding: Json) -> list[str]:
    kinds = [entry.kind for entry in CONNECTORS.values() if TOOLS["profile"] in entry.ports]
    own = Connection.objects.filter(enabled=True, kind__in=kinds, config__namespace=row.asset.namespace)
    connection = own.order_by("pk").first()
    if connection is None or not AssetProfile.objects.filter(pk=row.pk, is_known_bad=False).update(is_known_bad=True):
        return []
    told = Finding(**{**finding, "new": tuple(finding["new"])})
    return report(Seen(row.asset, connection, Past(row.at, row.profile), row.version, row.scope), [told])
