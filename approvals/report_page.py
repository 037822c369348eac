"""A proposal's plan and report in the shape in which the page draws them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from approvals.models import Proposal
from approvals.patches import read_patch
from approvals.reversible import can_be_undone

SHOWN_COLUMNS = 6  # bars of one table; the rest are counted in one more
SHOWN_CELLS = 5  # columns of the sample beside the key
DRAWN = {"statements", "rows", "columns", "undo"}  # sections that have a place of their own on the page
MARKS = {
    "ok": ("is-ok", "check"),
    "bad": ("is-fail", "x"),
    "skipped": ("is-wait", "clock"),
    "note": ("is-wait", "more"),
}


@dataclass(frozen=True)
class Tick:
    style: str
    image: str
    title: str
    note: str
    body: str


@dataclass(frozen=True)
class File:
    path: str
    added: int
    removed: int
    lines: list[tuple[str, str]]  # (class, text)


@dataclass(frozen=True)
class Bar:
    name: str
    count: int
    share: float


@dataclass(frozen=True)
class Table:
    """Rows of one asset on the branch against production."""

    name: str
    added: int
    changed: int
    removed: int
    total: int
    bars: list[Bar]
    head: list[str]
    sample: list[list[tuple[str, Any, Any]]]  # (mark, before, after) per cell


def ticks(proposal: Proposal) -> list[Tick]:
    report = getattr(proposal, "report", None)
    checks = report.checks if report else []
    return [
        Tick(
            *MARKS.get(one.get("state"), MARKS["note"]), str(one.get("title", "")), str(one.get("note", "")), _text(one)
        )
        for one in checks
    ]


def summary(proposal: Proposal) -> dict[str, Any]:
    """How many of the checks that can fail are green, and how long they took."""
    report = getattr(proposal, "report", None)
    if report is None:
        return {}
    counted = [one for one in report.checks if one.get("state") in {"ok", "bad"}]
    good = sum(one["state"] == "ok" for one in counted)
    return {"good": good, "of": len(counted), "bad": len(counted) - good, "seconds": report.seconds}


def files(proposal: Proposal) -> list[File]:
    """What the branch changes in code; before it was staged, what the plan's own patches say."""
    sections = _sections(proposal)
    code = (sections.get("statements") or {}).get("code") if isinstance(sections.get("statements"), Mapping) else None
    if code:
        return [File(f["path"], f["added"], f["removed"], list(_lines(f["text"]))) for f in code]
    made = []
    for step in proposal.plan.get("steps", []):
        if diff := step.get("params", {}).get("diff"):
            patch = read_patch(diff)
            path = ", ".join(sorted(patch.paths))
            made.append(File(path, len(patch.added), len(patch.removed), list(_lines(diff))))
    return made


def tables(proposal: Proposal) -> list[Table]:
    sections = _sections(proposal)
    by_asset = {one.get("asset"): one for one in sections.get("columns") or [] if isinstance(one, Mapping)}
    return [_table(one, by_asset.get(one.get("asset"), {})) for one in sections.get("rows") or []]


def others(proposal: Proposal) -> list[tuple[str, str, Any]]:
    """Sections without a drawing of their own: (name, title, value), in the order of the checks."""
    report = getattr(proposal, "report", None)
    titles = {one["name"]: one.get("title", one["name"]) for one in report.checks} if report else {}
    shown = {name: _shortened(value) for name, value in _sections(proposal).items() if name not in DRAWN}
    return [(name, titles.get(name, name), value) for name, value in shown.items() if value not in (None, [], {}, "")]


def undo_of(proposal: Proposal) -> Mapping[str, Any]:
    """Whether the undo was rehearsed, and how long it took; `possible` is false where nothing can be taken back."""
    found = _sections(proposal).get("undo")
    rehearsed = found if isinstance(found, Mapping) else {}
    return {**rehearsed, "possible": can_be_undone(proposal.plan.get("steps", []))}


def _shortened(value: Any) -> Any:
    """Rows of a table without the address where the name says it."""
    if not isinstance(value, list):
        return value
    return [
        {k: v for k, v in one.items() if k != "asset" or "name" not in one} if isinstance(one, dict) else one
        for one in value
    ]


def _sections(proposal: Proposal) -> Mapping[str, Any]:
    report = getattr(proposal, "report", None)
    return report.sections if report else {}


def _text(check: Mapping[str, Any]) -> str:
    body = check.get("body")
    return body if isinstance(body, str) else ""


def _lines(diff: str) -> Iterator[tuple[str, str]]:
    """Every line from the first hunk on: a removed SQL comment looks like a header and must be seen all the same."""
    whole = diff.splitlines()
    first = next((at for at, line in enumerate(whole) if line.startswith("@@")), 0)
    for line in whole[first:]:
        yield {"+": "add", "-": "del", "@": "hunk"}.get(line[:1], ""), line


def _table(counts: Mapping[str, Any], values: Mapping[str, Any]) -> Table:
    total = sum(int(counts.get(name, 0)) for name in ("added", "removed", "changed", "same"))
    rates = sorted(values.get("rates", []), key=lambda rate: -rate.get("changed", 0))
    bars = [Bar(r["column"], r["changed"], r.get("rate", 0)) for r in rates if r.get("changed")][:SHOWN_COLUMNS]
    if bars and len(rates) > len(bars):
        bars.append(
            Bar(f"{len(rates) - len(bars)} others", sum(r["changed"] for r in rates) - sum(b.count for b in bars), 0)
        )
    head, sample = _sample(values.get("sample", []))
    name = str(counts.get("name") or counts.get("asset", ""))
    return Table(
        name, counts.get("added", 0), counts.get("changed", 0), counts.get("removed", 0), total, bars, head, sample
    )


def _sample(rows: list[Mapping[str, Any]]) -> tuple[list[str], list[list[tuple[str, Any, Any]]]]:
    keys = list(rows[0]["key"]) if rows and isinstance(rows[0].get("key"), Mapping) else []
    differ = [name for row in rows for name in _names(row) if name not in keys and _cell(row, name)[0]]
    same = [name for row in rows for name in _names(row) if name not in keys]
    shown = list(dict.fromkeys([*differ, *same]))[:SHOWN_CELLS]
    head = [*keys, *shown] if keys else ["key", *shown]
    drawn = []
    for row in rows:
        first = [("", row["key"][name], None) for name in keys] if keys else [("", row.get("key"), None)]
        drawn.append([*first, *[_cell(row, name) for name in shown]])
    return head, drawn


def _names(row: Mapping[str, Any]) -> list[str]:
    return list({**(row.get("before") or {}), **(row.get("after") or {})})


def _cell(row: Mapping[str, Any], name: str) -> tuple[str, Any, Any]:
    before, after = row.get("before"), row.get("after")
    if not after:
        return "del", (before or {}).get(name), None
    if not before:
        return "add", None, after.get(name)
    changed = before.get(name) != after.get(name)
    return ("chg" if changed else ""), before.get(name), after.get(name)
