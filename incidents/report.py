"""What a look found, told through the same door as everything else: one alert for each load, in plain words."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from app.core.canonical import sha256
from incidents import collect, wording
from incidents.bands import Finding, Judgement, Past
from incidents.models import Asset, Incident
from incidents.usual import is_muted
from integrations.models import Connection
from integrations.values import Alert, Json, as_json

log = logging.getLogger(__name__)

STILL = ["open", "diagnosing", "proposing", "awaiting_decision", "watching", "waiting_on_person", "escalated"]
TOLD = 6  # findings in the words of an alert; all of them are in its detail
# Waits for the look by the clock: columns that changed break a run, or nobody reads them, and the run says it better.
HELD_BACK = {"schema"}
GRAVE = ("category", "keys")


@dataclass(frozen=True)
class Seen:
    """An asset at one moment, with what the detectors say of it."""

    asset: Asset
    connection: Connection
    now: Past
    version: str
    scope: str  # load, whole
    judged: Sequence[Judgement] = field(default_factory=tuple)
    past: int = 0  # earlier looks that it was compared with

    @cached_property
    def findings(self) -> list[Finding]:
        """What is reported: without what waits and what is muted."""
        found = [each.finding for each in self.judged if each.finding and each.check not in HELD_BACK]
        return [finding for finding in found if not is_muted(self.asset, finding.check)]


def report(seen: Seen, findings: Sequence[Finding] | None = None) -> list[str]:
    """Send one alert; returns the checks in it, none when the same is firing already."""
    findings = seen.findings if findings is None else findings
    alert = _alert(seen, findings)
    if any(payload["fingerprint"] == alert.fingerprint for payload in firing(seen.asset)):
        return []
    collect.receive(seen.connection, "drift", as_json(alert))
    log.info("%s: %s in version %s", seen.asset, findings[0].check, seen.version)
    return [finding.check for finding in findings]


def firing(asset: Asset) -> Iterable[Json]:
    """Alerts of ours that opened or joined incidents which are not over."""
    incidents = Incident.objects.filter(status__in=STILL, members__event__kind="drift", members__asset=asset).distinct()
    for incident in incidents:
        members = incident.members.filter(event__kind="drift", asset=asset).select_related("event").order_by("pk")
        told = {member.event.payload.get("fingerprint"): member.event.payload for member in members}
        yield from (payload for payload in told.values() if payload.get("status") == "firing")


def passed(connection: Connection, payload: Json) -> None:
    """Say of an alert that what it was about is over."""
    collect.receive(connection, "drift", {**payload, "status": "resolved"})


def _alert(seen: Seen, findings: Sequence[Finding]) -> Alert:
    """The first finding names it, the others go along. A load has one of its own; a table one while it lasts."""
    first, asset = findings[0], seen.asset
    which = seen.version if seen.scope == "load" else "whole"
    return Alert(
        fingerprint=sha256([asset.ref.uri, which, first.check]),
        asset=asset.ref,
        title=wording.of_finding(asset.name, first),
        severity="high" if first.check.startswith(GRAVE) else "warning",
        message="\n".join(finding.sentence for finding in findings[:TOLD]),
        check=first.check,
        detail={
            "version": seen.version,
            "scope": seen.scope,
            "past": seen.past,
            "rows": int(seen.now.profile.get("rows", 0)),
            "findings": [finding.as_json() for finding in findings],
        },
    )
