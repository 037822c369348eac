"""After a production run: look at what it brought, and compare it with what earlier loads brought.

Only rows that a scheduled append added are looked at. A version that deletes or overwrites, one that follows such a
version at once (an overwrite lands as a delete and an append), and one that we wrote ourselves are no loads.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.core.canonical import sha256
from incidents import collect
from incidents.bands import Finding, Past, unusual
from incidents.models import Asset, AssetProfile, Incident, Run
from integrations.errors import IntegrationError, Unsupported
from integrations.gateway_client import Gateway, named
from integrations.models import Connection
from integrations.values import Alert, Json, as_json

log = logging.getLogger(__name__)

HISTORY = 40  # past loads that make a band
BATCH = 10  # profiles in one reading, so that a long past does not outlast a call
SLACK = timedelta(minutes=5)  # clocks of other machines; and a load may begin before its run is reported
AT_ONCE = timedelta(seconds=10)  # between the two halves of an overwrite
OURS = "countersign"  # begins the names of summary properties that our own commits carry
STILL = ["open", "diagnosing", "proposing", "awaiting_decision", "watching", "waiting_on_person", "escalated"]


def detect(run: Run) -> list[str]:
    """Profile what the run brought and report what is unusual; returns the checks that found something.

    The first look at an asset learns its past. Asking twice changes nothing.
    """
    if run.environment != "production":
        return []
    found: list[str] = []
    without = set[str]()  # connections that keep no versions: one of their assets answers for all
    for asset in (
        Asset.objects.filter(pk__in={*run.inputs, *run.outputs}).exclude(kind__in=["job", "dashboard"]).order_by("pk")
    ):
        connection = named("versions", {"namespace": asset.namespace})
        if connection is None or connection.name in without or _was_seen(asset, run):
            continue
        try:
            found += _look(asset, connection, run)
        except Unsupported:
            without.add(connection.name)
        except IntegrationError as error:
            log.info("%s was not looked at: %s", asset, error)
    return found


def _look(asset: Asset, connection: Connection, run: Run) -> list[str]:
    gateway = Gateway(None, [connection.name], ["versions", "profile", "sample"])
    where = {"namespace": asset.namespace, "name": asset.name}
    versions = loads(gateway.read("versions", {**where, "limit": HISTORY * 2}).result)[:HISTORY]
    known = set(AssetProfile.objects.filter(asset=asset).values_list("version", flat=True))
    fresh = [version for version in versions if version["id"] not in known]
    began = (run.started_at or run.finished_at) if not known else None
    found = []
    for batch in batched(fresh[::-1], BATCH):
        ids = [version["id"] for version in batch]
        profiles = gateway.read("profile", {**where, "versions": ids, "increment": True}).result
        for version, profile in zip(batch, profiles, strict=True):
            at = datetime.fromisoformat(version["at"])
            judged = began is None or at >= began - SLACK
            found += _judge(asset, connection, Past(at, profile), version["id"], judged)
    _clear(asset, connection, gateway)
    return found


def batched(items: Sequence[Json], size: int) -> list[Sequence[Json]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _was_seen(asset: Asset, run: Run) -> bool:
    """Whether a look after the run's end has been had: runs of the past, told all at once, cost nothing then."""
    ended = run.finished_at or run.started_at
    return ended is not None and AssetProfile.objects.filter(asset=asset, at__gt=ended).exists()


def loads(versions: Sequence[Json]) -> list[Json]:
    """The versions that scheduled appends made, newest first as they came."""
    kept = []
    for version, before in zip(versions, [*versions[1:], None], strict=True):
        if version["operation"] != "append" or any(key.startswith(OURS) for key in version["summary"]):
            continue
        if before is None or not _is_second_half(version, before):
            kept.append(version)
    return kept


def _is_second_half(version: Json, before: Json) -> bool:
    """Whether `version` is the append of an overwrite that began with `before`."""
    apart = datetime.fromisoformat(version["at"]) - datetime.fromisoformat(before["at"])
    return before["operation"] in ("delete", "overwrite", "replace") and apart <= AT_ONCE


def _judge(asset: Asset, connection: Connection, now: Past, version: str, judged: bool) -> list[str]:
    past = AssetProfile.objects.filter(asset=asset, is_known_bad=False, at__lt=now.at).order_by("-at")[:HISTORY]
    history = [Past(row.at, row.profile) for row in reversed(past)]
    findings = unusual(now, history) if judged else []
    row, is_new = AssetProfile.objects.get_or_create(
        asset=asset, version=version, defaults={"at": now.at, "profile": now.profile, "is_known_bad": bool(findings)}
    )
    if not is_new or not findings:
        return []  # another worker looked first, or nothing is wrong
    collect.receive(connection, "drift", as_json(_alert(asset, version, findings, now.profile["rows"], len(history))))
    log.info("%s: %s in version %s", asset, findings[0].check, row.version)
    return [finding.check for finding in findings]


def _alert(asset: Asset, version: str, findings: Sequence[Finding], rows: int, past: int) -> Alert:
    """One for each version: the first finding names it, the others go along."""
    first = findings[0]
    message = "\n".join(f"{finding.what}: {finding.usual} usually, {finding.now} now" for finding in findings[:6])
    return Alert(
        fingerprint=sha256([asset.ref.uri, version, first.check]),
        asset=asset.ref,
        title=f"{asset.name}: {first.what[:1].lower()}{first.what[1:]} ({first.now})",
        severity="high" if first.check.startswith(("category", "keys")) else "warning",
        message=message,
        check=first.check,
        detail={
            "version": version,
            "rows": rows,
            "past": past,
            "findings": [finding.as_json() for finding in findings],
        },
    )


def _clear(asset: Asset, connection: Connection, gateway: Gateway) -> None:
    """Say of findings whose rows are gone that they passed: somebody else put the data right."""
    for payload in _firing(asset):
        finding = payload["detail"]["findings"][0]
        if _is_gone(finding, {"namespace": asset.namespace, "name": asset.name}, gateway):
            collect.receive(connection, "drift", {**payload, "status": "resolved"})


def _firing(asset: Asset) -> Iterable[Json]:
    incidents = Incident.objects.filter(status__in=STILL, members__event__kind="drift", members__asset=asset).distinct()
    for incident in incidents:
        member = (
            incident.members.filter(event__kind="drift", asset=asset).select_related("event").order_by("pk").first()
        )
        if member and member.event.payload.get("status") == "firing":
            yield member.event.payload


def _is_gone(finding: Json, where: Json, gateway: Gateway) -> bool:
    kind, _, of = str(finding["check"]).partition(":")
    if kind == "category":
        conditions: list[Any] = [[of, "in", list(finding["new"])]]
        return not gateway.read("sample", {**where, "conditions": conditions, "limit": 1}).result
    if kind == "keys":
        return bool(gateway.read("profile", where).result["duplicates"].get(of) == 0)
    return False
