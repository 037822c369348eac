"""What our own detector found in data that arrived while every check of the pipeline held."""

from __future__ import annotations

import re

from incidents.case import Case
from incidents.history import History
from incidents.models import Asset
from incidents.rules.columns import compare
from incidents.verdict import Verdict, claim, code, not_so
from integrations.values import Json

SUBTYPES = {
    "rows": "unusual_volume", "table_rows": "unusual_volume", "total": "unusual_total", "mean": "unusual_total",
    "p05": "unusual_total", "p50": "unusual_total", "p95": "unusual_total",
    "nulls": "null_spike", "distinct": "bad_value", "schema": "schema_mismatch",
    "freshness": "stale", "keys": "duplicate_rows", "category": "unknown_category",
}  # fmt: skip


def unknown_category(case: Case, history: History) -> Verdict | None:
    alert, asset = alert_of(case)
    if alert is None or asset is None:
        return None
    findings = alert["detail"].get("findings", [])
    finding = next((found for found in findings if found["check"].startswith("category:")), None)
    if finding is None:
        return None
    version, label = str(alert["detail"].get("version", "")), evidence(case, asset, alert)
    columns = compare(case, asset)
    values = code(finding["new"])
    rows, share, column = finding["rows"], finding["share"], finding["column"]
    claims = [
        claim(
            f"{rows:,} rows ({share:.0%}) that {code(asset.name)} received have a new {code(column)}: {values}.",
            label,
        )
    ]
    claims += [claim(_compared(found), label)
               for found in findings if found is not finding][:3]  # fmt: skip
    facts: Json = {
        "asset": asset.ref.uri,
        "column": finding["column"],
        "values": list(finding["new"]),
        "version": version,
        "rows": rows,
    }
    new = ", ".join(finding["new"])
    text = f"{asset.name} received {rows:,} rows with {column} {new}, which nothing downstream knows."
    others = _columns_held(columns.label if columns and not columns.gone and not columns.new else "")
    if history.is_known and not history.commits:
        others.append(not_so("A change of the code", "There is no commit since the last good run.", history.label))
    return Verdict("data", "unknown_category", text, facts, claims, others, 0.9, asset)


def other(case: Case, history: History) -> Verdict | None:
    """A finding for which there is no remedy yet: named, and left to people."""
    alert, asset = alert_of(case)
    if alert is None or asset is None or not (findings := alert["detail"].get("findings")):
        return None
    first, label = findings[0], evidence(case, asset, alert)
    subtype = SUBTYPES.get(first["check"].partition(":")[0], "unusual_total")
    text = f"{asset.name} received data that is not like before: {first['what']}."
    claims = [claim(_compared(found), label) for found in findings[:4]]
    facts = {"asset": asset.ref.uri, "check": first["check"], "version": str(alert["detail"].get("version", ""))}
    return Verdict("data", subtype, text, facts, claims, [], 0.5, asset)


def _compared(found: Json) -> str:
    what, column = found["what"], found["column"]
    if column:
        what = re.sub(rf"\b{re.escape(column)}\b", lambda _: code(column), what)
    season = f" {found['season']}" if found.get("season") else ""
    return f"{what}: usually {found['usual']}{season}, now {found['now']}."


def evidence(case: Case, asset: Asset, alert: Json) -> str:
    """The finding as it was made; once, whatever asks for it."""
    version = str(alert["detail"].get("version", ""))
    for item in case.dossier.items:
        if item.kind == "profile" and (item.body["asset"], item.body["version"]) == (asset.ref.uri, version):
            return item.label
    detail = alert["detail"]
    body = {
        "asset": asset.ref.uri,
        "version": version,
        "rows": detail.get("rows", 0),
        "columns": detail.get("findings", []),
    }
    return case.dossier.add(
        "profile", alert["title"], body, f"profile of {asset.name} against its past {detail.get('past', 0)} loads"
    )


def alert_of(case: Case) -> tuple[Json | None, Asset | None]:
    """The finding that explains this incident: about its root, or about something upstream of it."""
    near = {asset.ref: asset for asset in (case.root, *case.upstream)}
    for alert in case.alerts:
        for ref, asset in near.items():
            if (alert["asset"]["namespace"], alert["asset"]["name"]) == (ref.namespace, ref.name):
                return alert, asset
    return None, None


def _columns_held(label: str) -> list[Json]:
    return [not_so("A change of the columns", "Names and types are what they were.", label)] if label else []
