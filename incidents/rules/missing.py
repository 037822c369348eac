"""A load that went well and brought nothing: what is missing, since when, and who can bring it."""

from __future__ import annotations

from incidents.case import Case
from incidents.history import History
from incidents.missing import missing_day
from incidents.models import Asset, AssetEdge, AssetProfile
from incidents.rules.drift import alert_of, evidence
from incidents.verdict import Verdict, claim, code, not_so
from integrations.values import Json


def empty_load(case: Case, history: History) -> Verdict | None:
    alert, asset = alert_of(case)
    if alert is None or asset is None or alert["detail"].get("scope") != "load" or alert["detail"].get("rows") != 0:
        return None
    finding = next((one for one in alert["detail"].get("findings", []) if one["check"] == "rows"), None)
    load = AssetProfile.objects.filter(asset=asset, version=str(alert["detail"].get("version", ""))).first()
    if finding is None or load is None:
        return None
    day, label = missing_day(asset, load.at), evidence(case, asset, alert)
    which = f" for {day}" if day else ""
    facts: Json = {
        "asset": asset.ref.uri,
        "owner": _person(asset),
        "makers": _makers(asset),
        "missing": {"day": day, "usual": finding["usual"], "since": load.at.isoformat(timespec="minutes")},
    }
    text = f"The load of {asset.name} went well and brought no rows{which}; usually it brings {finding['usual']}."
    claims = [claim(f"{code(asset.name)} received no rows{which}. Usually there are {finding['usual']}.", label)]
    others = [not_so("A failed run", "What loads it said that it went well; only the rows are not there.", label)]
    return Verdict("data", "empty_input", text, facts, claims, others, 0.9, asset)


def _makers(asset: Asset) -> list[Json]:
    """Who answers for the jobs that write it, where that is somebody else."""
    edges = AssetEdge.objects.filter(downstream=asset, upstream__kind="job").select_related("upstream").order_by("pk")
    found = [_person(edge.upstream) for edge in edges]
    return [who for who in found if who and who != _person(asset)]


def _person(asset: Asset) -> Json:
    return {key: asset.owner[key] for key in ("name", "email") if asset.owner.get(key)}
