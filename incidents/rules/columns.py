"""A column got another name upstream: the engine misses the old one, and the schema's history shows the new one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from incidents.case import Case
from incidents.history import History
from incidents.models import Asset
from incidents.verdict import Verdict, claim, code, not_so
from integrations.values import Json

SOURCES = 8  # upstream assets whose schema is compared, nearest first
_WORD = re.compile(r"[A-Za-z_]\w{0,200}")


@dataclass(frozen=True)
class Shift:
    """How the columns of one asset changed since the last good run."""

    asset: Asset
    before: list[Json]
    after: list[Json]
    label: str

    @property
    def gone(self) -> list[Json]:
        return [column for column in self.before if column["name"] not in {c["name"] for c in self.after}]

    @property
    def new(self) -> list[Json]:
        return [column for column in self.after if column["name"] not in {c["name"] for c in self.before}]


def column_renamed(case: Case, history: History) -> Verdict | None:
    hit = case.says("missing_column")
    if hit is None:
        return None
    old = (hit.groups.get("column") or hit.groups.get("bare", "")).rpartition(".")[2]
    candidates = _WORD.findall(hit.groups.get("candidates", ""))
    for source in [asset for asset in (case.root, *case.upstream) if asset.kind not in ("dashboard", "job")][:SOURCES]:
        shift = compare(case, source)
        new = renamed_to(old, candidates, shift.before, shift.after) if shift else ""
        if shift and new:
            return _verdict(case, history, shift, old, new)
    return None


def compare(case: Case, asset: Asset) -> Shift | None:
    """Columns now and at the last good run; adds the evidence where both can be read."""
    versions = case.about("versions", asset, limit=60)
    now = case.about("schema", asset) if versions else None
    if versions is None or now is None or not versions.result:
        return None
    good = case.last_good
    until = (good.finished_at or good.started_at) if good else None
    earlier = (
        [v for v in versions.result if until and v["at"] <= until.isoformat()] or versions.result[1:] or versions.result
    )
    before = case.about("schema", asset, version=earlier[0]["id"])
    if before is None:
        return None
    body = difference(before.result, now.result)
    body |= {"asset": asset.ref.uri, "before": earlier[0]["id"], "after": versions.result[0]["id"]}
    changed = len(body["columns"])
    title = (
        f"{asset.name}: {changed} column{'s' * (changed != 1)} changed"
        if changed
        else f"{asset.name}: the same columns"
    )
    label = case.dossier.add("schema", title, body, f"history of {asset.ref.uri}", call=now.call)
    return Shift(asset, before.result, now.result, label)


def difference(before: Sequence[Json], after: Sequence[Json]) -> Json:
    """The body of the evidence: one row for each column that is not what it was. The engine's own id shows a rename."""
    old, new = {c["name"]: c for c in before}, {c["name"]: c for c in after}
    by_id = {c["id"]: c["name"] for c in after if c.get("id")}
    rows = []
    for name, column in old.items():
        to = by_id.get(column.get("id", ""), "")
        if name not in new and to and to not in old:
            rows.append(
                {"name": name, "before": column["type"], "after": new[to]["type"], "change": "renamed", "to": to}
            )
        elif name not in new:
            rows.append({"name": name, "before": column["type"], "after": "", "change": "removed"})
        elif new[name]["type"] != column["type"]:
            rows.append({"name": name, "before": column["type"], "after": new[name]["type"], "change": "retyped"})
    taken = {row["to"] for row in rows if "to" in row}
    rows += [
        {"name": n, "before": "", "after": c["type"], "change": "added"}
        for n, c in new.items()
        if n not in {*old, *taken}
    ]
    return {"columns": rows, "same": len(old.keys() & new.keys()) - sum(row["change"] == "retyped" for row in rows)}


def renamed_to(old: str, candidates: Sequence[str], before: Sequence[Json], after: Sequence[Json]) -> str:
    """The new name of `old`: by the engine's own identity, else the only new column of its type that is offered."""
    then = {c["name"].lower(): c for c in before}
    names = {c["name"].lower() for c in after}
    if old.lower() not in then or old.lower() in names:
        return ""
    column = then[old.lower()]
    fresh = [c for c in after if c["name"].lower() not in then]
    same = [c["name"] for c in fresh if c.get("id") and c["id"] == column.get("id")]
    if same:
        return str(same[0])
    offered = {candidate.lower() for candidate in candidates}
    alike = [c["name"] for c in fresh if c["type"] == column["type"]]
    likely = [name for name in alike if name.lower() in offered] or (alike if not offered else [])
    return str(likely[0]) if len(likely) == 1 else ""


def _verdict(case: Case, history: History, shift: Shift, old: str, new: str) -> Verdict:
    users = _users(case, shift.asset, old)
    source, evidence = shift.asset.name, case.dossier.cites("log", "signature")
    facts = {
        "asset": shift.asset.ref.uri,
        "old": old,
        "new": new,
        "models": [asset.ref.uri for asset in users],
        "paths": sorted({asset.path for asset in users if asset.path}),
    }
    claims = [
        claim(f"The engine no longer finds the column {code(old)}.", *evidence),
        claim(
            f"{code(source)} had {code(old)} at the last good run and has {code(new)} of the same type now.",
            shift.label,
        ),
        claim(
            f"{code([a.name for a in users] or case.root.name)} still read{'s' * (len(users) < 2)} {code(old)}.",
            *evidence,
        ),
    ]
    others = [not_so("The column was dropped", f"{new} came in its place, with the same type.", shift.label)]
    if history.is_known and not any(commit["is_suspect"] for commit in history.commits):
        others.append(not_so("A change of the model", "No commit since the last good run touches it.", history.label))
    text = f"The column {old} of {source} is now called {new}; the models that read it still ask for {old}."
    return Verdict("data", "column_renamed", text, facts, claims, others, 0.95, shift.asset)


def _users(case: Case, source: Asset, old: str) -> list[Asset]:
    """Assets fed directly by the source, whose file names the old column; else those that failed on it."""
    below = [edge.downstream for edge in source.edges_down.select_related("downstream").order_by("pk")]
    named = re.compile(rf"\b{re.escape(old)}\b", re.IGNORECASE)
    found = []
    for asset in [asset for asset in below if asset.path][:20]:
        reading = case.of("read_file", case.code, path=asset.path, version=case.run.commit if case.run else "")
        if reading and named.search(reading.result):
            found.append(asset)
    return found or [row.asset for row in case.failed if row.asset.path and old in row.message][:5]
