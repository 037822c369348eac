"""Section 7: daily totals of what was rebuilt: production now, on the branch, and the usual band of the days before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from approvals.affected import assets_of
from approvals.base import refs
from approvals.checks.band import Band, band_of, before
from approvals.checks.finding import Bench, Finding, number
from integrations import connections
from integrations.errors import IntegrationError
from integrations.ports import Inspector
from integrations.values import AssetRef, Json, Profile

LIMIT = 16  # rebuilt assets that are profiled, twice each
DIFFERS = 1e-6  # relative


@dataclass(frozen=True)
class Total:
    """One daily total of one column: the day on which production and branch differ most, else the last one."""

    asset: AssetRef
    column: str
    day: str
    now: float | None
    branch: float
    band: Band | None

    @property
    def change(self) -> float:
        return abs(self.branch - (self.now or 0.0)) / max(abs(self.branch), abs(self.now or 0.0), 1.0)

    @property
    def is_wrong(self) -> bool:
        """Far outside of the band, and not because production is there already."""
        return self.band is not None and self.change > DIFFERS and not self.band.wider().holds(self.branch)

    @property
    def is_healed(self) -> bool:
        return (
            self.band is not None
            and self.band.holds(self.branch)
            and (self.now is None or not self.band.holds(self.now))
        )

    @property
    def is_outside(self) -> bool:
        return self.band is not None and not self.band.holds(self.branch)

    @property
    def label(self) -> str:
        what = "rows" if self.column == "*" else self.column
        return f"{self.asset.name.rpartition('.')[2]} {what}"

    def as_json(self) -> Json:
        band = [self.band.low, self.band.high] if self.band else None
        return {"asset": self.asset.uri, "name": self.asset.name, "column": self.column, "day": self.day,
                "now": self.now, "branch": self.branch, "band": band}  # fmt: skip


def totals(bench: Bench) -> Finding:
    """Red when a total that the fix moves ends far outside of what is usual."""
    found, unread = _measured(bench)
    if not found:
        return Finding(
            "totals", "Control totals", "skipped", "nothing with a date was rebuilt", section=[], not_checked=unread
        )
    wrong = [total for total in found if total.is_wrong]
    known = [total for total in found if total.band]
    shown = _on_dashboards(found)
    head = max(wrong or found, key=lambda t: _tells(t, shown))
    outside = wrong or [total for total in known if total.is_outside]
    inside = len(known) - sum(total.is_outside for total in known)
    return Finding(
        "totals",
        "Totals outside their band" if wrong else "Totals inside their 28-day band",
        "bad" if wrong else "ok" if known and not outside else "note",
        f"{inside} of {len(known)}" if known else "no band yet",
        _outside(outside[0]) if outside else "",
        [total.as_json() for total in sorted(found, key=lambda total: -total.change)[:40]],
        unread,
        _effect(head) if head.change > DIFFERS else {},
    )


def _tells(total: Total, shown: set[str]) -> tuple[bool, bool, bool, bool, float]:
    """What a reader wants to see first: a number that was there, wrong, and on a dashboard, before one that is new."""
    was_there = total.now is not None
    return total.is_healed and was_there, total.asset.uri in shown, was_there, total.column != "*", total.change


def _outside(total: Total) -> str:
    before = "" if total.change > DIFFERS else ", as before this fix"
    return f"{total.label} of {total.day} is {number(total.branch)}, usually {_range(total.band)}{before}."


def compared(asset: AssetRef, now: Profile | None, branch: Profile) -> Iterator[Total]:
    """One total per column. Pure."""
    for column, days in branch.totals.items():
        if days:
            old: Mapping[str, float] = (now.totals.get(column) or {}) if now else {}
            day = _day(old, days)
            yield Total(asset, column, day, old.get(day), days[day], band_of(before(days, day)))


def _on_dashboards(found: list[Total]) -> set[str]:
    """Uris of the assets that a dashboard reads itself: their totals are what people will recognise."""
    known = assets_of({total.asset.uri for total in found})
    return {asset.ref.uri for asset in known.filter(edges_down__downstream__kind="dashboard").distinct()}


def _day(old: Mapping[str, float], new: Mapping[str, float]) -> str:
    def change(day: str) -> float:
        return abs(new[day] - old.get(day, 0.0)) / max(abs(new[day]), abs(old.get(day, 0.0)), 1.0)

    most = max(sorted(new), key=lambda day: (change(day), day))
    return most if change(most) > DIFFERS else max(new)


def _measured(bench: Bench) -> tuple[list[Total], tuple[str, ...]]:
    found: list[Total] = []
    unread: list[str] = []
    rebuilt = sorted(bench.versions.items())
    for asset, (_, version) in zip(refs(uri for uri, _ in rebuilt), rebuilt[:LIMIT], strict=False):
        inspector = connections.connector_for(asset)
        if not isinstance(inspector, Inspector):
            continue
        try:
            found += compared(asset, _production(inspector, asset), inspector.profile(asset, version))
        except IntegrationError as error:
            unread.append(f"Totals of {asset.name} were not compared: {error}")
    if len(rebuilt) > LIMIT:
        unread.append(f"Totals of {len(rebuilt) - LIMIT} further assets were not compared.")
    return found, tuple(unread)


def _production(inspector: Inspector, asset: AssetRef) -> Profile | None:
    try:
        return inspector.profile(asset)
    except IntegrationError:
        return None  # it was never built


def _effect(total: Total) -> Json:
    now = number(total.now) if total.now is not None else "missing"
    expected = _range(total.band)
    line = f"{total.day} {total.label} {now} → {number(total.branch)}"
    return {
        "label": f"{total.label}, {total.day}",
        "now": now,
        "branch": number(total.branch),
        "expected": expected,
        "line": line,
    }


def _range(band: Band | None) -> str:
    return f"{number(band.low)}–{number(band.high)}" if band else "no band yet"
