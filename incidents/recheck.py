"""Ask again whether a finding still holds, of the table as it is now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from incidents.bands import Past
from incidents.detectors.sets import repeated
from incidents.look import judge_table, past_of
from incidents.missing import missing_day, newest_day
from incidents.models import Asset, AssetProfile, Incident
from incidents.report import firing, passed
from integrations.errors import IntegrationError
from integrations.gateway_client import Gateway, named
from integrations.values import Json

TOOLS = ["profile", "sample"]
BY_CLOCK = {"freshness", "schema"}  # `watch` looks after those
DAILY = {"rows", "total"}  # checks of one number of one day
REST = 0.1  # part of the rows of a finding that may be left: others bring a few of the kind every day


@dataclass(frozen=True)
class Again:
    """`ok` is None where the engine cannot tell."""

    check: str
    ok: bool | None
    note: str


def recheck(incident: Incident) -> list[Again]:
    """The findings that opened the incident, looked for in production now. Empty when no detector opened it."""
    opener = str(incident.opened_by.get("key", ""))
    members = incident.members.filter(event__kind="drift").select_related("event", "asset").order_by("pk")
    for member in members:
        payload = member.event.payload
        if opener.endswith(f":{payload.get('fingerprint')}"):
            return [again(member.asset, payload["detail"], finding) for finding in payload["detail"]["findings"]]
    return []


def again(asset: Asset, detail: Json, finding: Json) -> Again:
    """One finding; whatever cannot be read is not known, and not over."""
    check = str(finding["check"])
    try:
        ok = _is_gone(asset, detail, finding)
        still = _still(asset, detail, finding) if ok is False else ""
    except IntegrationError as error:
        return Again(check, None, f"{finding['what']} of {asset} could not be looked at again: {error}")
    words = {True: "is as usual again", False: "is still not as usual", None: "cannot be looked at again"}[ok]
    return Again(check, ok, f"{finding['what']} of {asset} {words}{still}.")


def clear(asset: Asset) -> None:
    """Say of findings that hold no longer that they passed: somebody else put the data right."""
    for payload in firing(asset):
        connection = named("profile", {"namespace": asset.namespace})
        detail = payload["detail"]
        if (
            connection is None
            or not detail.get("findings")
            or detail["findings"][0]["check"] in ("freshness", "schema")
        ):
            continue  # `watch` looks after those
        if again(asset, detail, detail["findings"][0]).ok:
            passed(connection, payload)


def _is_gone(asset: Asset, detail: Json, finding: Json) -> bool | None:
    connection = named("profile", {"namespace": asset.namespace})
    if connection is None:
        return None
    gateway = Gateway(None, [connection.name], TOOLS)
    where = {"namespace": asset.namespace, "name": asset.name}
    kind, _, of = str(finding["check"]).partition(":")
    if kind == "category":
        conditions: list[Any] = [[of, "in", list(finding["new"])]]
        return not gateway.read("sample", {**where, "conditions": conditions, "limit": 1}).result
    profile = gateway.read("profile", where).result
    if kind == "keys":
        count = repeated(profile, of)
        return None if count is None else bool(count == 0)
    if detail.get("scope") == "whole":
        return _table_again(asset, profile, str(finding["check"]))
    if kind == "nulls":
        return _nulls_again(asset, profile, finding)
    return _day_again(asset, profile, detail, finding)


def _still(asset: Asset, detail: Json, finding: Json) -> str:
    """What is usual, and what is there now where that is one number of one day."""
    usual = f": usually {finding['usual']}" if finding.get("usual") else ""
    connection = named("profile", {"namespace": asset.namespace})
    if connection is None or detail.get("scope") == "whole" or str(finding["check"]).partition(":")[0] not in DAILY:
        return usual
    where = {"namespace": asset.namespace, "name": asset.name}
    day, value = _of_day(asset, Gateway(None, [connection.name], TOOLS).read("profile", where).result, detail, finding)
    return f"{usual}, now {value:,.0f} on {day}" if value is not None else usual


def _table_again(asset: Asset, profile: Json, check: str) -> bool | None:
    now = timezone.now()
    seen = judge_table(asset, Past(now, profile), past_of(asset, "whole", now), is_after_run=True)
    mine = [each for each in seen if each.check == check]
    return all(each.finding is None for each in mine) if mine else None


def _nulls_again(asset: Asset, profile: Json, finding: Json) -> bool | None:
    """The table has about as many missing values as the loads that were as usual brought."""
    column, good = finding["column"], AssetProfile.objects.filter(asset=asset, scope="load", is_known_bad=False)
    facts = profile["columns"].get(column)
    if facts is None:
        return None
    brought = [row.profile for row in good]
    usual = sum(p["rows"] * p["columns"].get(column, {}).get("nulls", 0.0) for p in brought)
    return bool(profile["rows"] * facts["nulls"] <= usual + REST * finding["rows"])


def _day_again(asset: Asset, profile: Json, detail: Json, finding: Json) -> bool | None:
    """The rows of the finding's own day, as the table has them now, against the band of then."""
    _, value = _of_day(asset, profile, detail, finding)
    if value is None or finding.get("low") is None:
        return None
    return bool(finding["low"] <= value <= finding["high"])


def _of_day(asset: Asset, profile: Json, detail: Json, finding: Json) -> tuple[str, float | None]:
    """The finding's own day, and its rows or total of that day as the table has them now."""
    load = AssetProfile.objects.filter(asset=asset, version=str(detail.get("version", ""))).first()
    day = (newest_day(load.profile) or missing_day(asset, load.at)) if load else ""
    kind, _, column = str(finding["check"]).partition(":")
    totals = (profile.get("totals") or {}).get({"rows": "*", "total": column}.get(kind, ""))
    return day, float(totals.get(day, 0.0)) if day and totals is not None else None
