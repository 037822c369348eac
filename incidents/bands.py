"""What is usual, from the past of the same asset, and what is not. Pure arithmetic on profiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from itertools import pairwise
from statistics import median
from typing import Any

from integrations.values import Json

LEAST = 8  # past loads below which nothing is called unusual
WEEKS = 4  # past loads of one weekday from which that weekday has a band of its own
SCALE = 1.4826  # makes the median absolute deviation comparable with a standard deviation
ROWS_SPREAD, ROWS_FLOOR = 6.0, 0.75  # deviations; part of the median that is usual in any case
TOTAL_SPREAD, TOTAL_FLOOR = 8.0, 1.0
NEW_SHARE, NEW_ROWS = 0.01, 20  # a new value counts from this share, or from this many rows
OPEN = 0.05  # part of the past loads that brought a value of their own: above it a column has no fixed set of values
NULLS_MORE = 0.2  # rate of missing values above the most that was ever seen
LIKE_A_KEY = 0.98  # rate of distinct values from which a sum says nothing


@dataclass(frozen=True)
class Finding:
    """One thing that is not as usual. `check` names it for ever: `category:currency`, `rows`, `keys:order_id`."""

    check: str
    column: str
    what: str
    usual: str
    now: str
    share: float = 0.0
    rows: int = 0
    new: tuple[str, ...] = ()

    def as_json(self) -> Json:
        return {**asdict(self), "new": list(self.new)}


@dataclass(frozen=True)
class Past:
    """One earlier load: the profile of the rows that it brought, and when."""

    at: datetime
    profile: Json

    @property
    def day(self) -> date:
        """Of the business where the rows have a date, else of the load."""
        return business_day(self.profile) or self.at.date()


def business_day(profile: Json) -> date | None:
    days = (profile.get("totals") or {}).get("*") or {}
    return date.fromisoformat(max(days)) if days else None


def band(values: Sequence[float], spread: float, floor: float) -> tuple[float, float]:
    """Median ± the larger of `spread` robust deviations and `floor` of the median."""
    middle = median(values)
    deviation = median(abs(value - middle) for value in values) * SCALE
    reach = max(spread * deviation, floor * abs(middle))
    return middle - reach, middle + reach


def unusual(now: Past, history: Sequence[Past]) -> list[Finding]:
    """What a load brought that its past does not know, the most decisive first; nothing below LEAST past loads."""
    if len(history) < LEAST:
        return []
    return [
        *_keys(now, history),
        *_categories(now, history),
        *_rows(now, history),
        *_nulls(now, history),
        *_totals(now, history),
    ]


def _categories(now: Past, history: Sequence[Past]) -> list[Finding]:
    found = []
    for name, facts in now.profile["columns"].items():
        past = [values for each in history if (values := _values(each, name)) is not None]
        if "categories" not in facts or len(past) < max(LEAST, 0.8 * len(history)) or _is_open(past):
            continue
        known, rows = set().union(*past), now.profile["rows"]
        fresh = {value: share for value, share in facts["categories"].items() if value not in known}
        share = sum(fresh.values())
        if fresh and (share >= NEW_SHARE or share * rows >= NEW_ROWS):
            found.append(_category(name, fresh, share, rows, known))
    return sorted(found, key=lambda finding: -finding.share)


def _category(name: str, fresh: dict[str, float], share: float, rows: int, known: set[str]) -> Finding:
    new = tuple(sorted(fresh, key=lambda value: -fresh[value]))
    usual = f"{', '.join(sorted(known)[:8])}{' ...' if len(known) > 8 else ''}"
    now = ", ".join(f"{value} {fresh[value]:.0%}" for value in new[:8])
    return Finding(
        f"category:{name}", name, f"A value of {name} that was never there", usual, now, share, round(share * rows), new
    )


def _values(each: Past, name: str) -> set[str] | None:
    found = each.profile["columns"].get(name, {}).get("categories")
    return set(found) if found else None


def _is_open(past: Sequence[set[str]]) -> bool:
    """Whether loads keep bringing values that no other load has: names and codes, not a fixed set."""
    seen = Counter(value for values in past for value in values)
    own = sum(any(seen[value] == 1 for value in values) for values in past[1:])
    return own > OPEN * len(past)


def _keys(now: Past, history: Sequence[Past]) -> list[Finding]:
    found = []
    for key, count in (now.profile.get("duplicates") or {}).items():
        past = [each.profile["duplicates"][key] for each in history if key in (each.profile.get("duplicates") or {})]
        if count and len(past) >= LEAST and not any(past):
            share = count / max(now.profile["rows"], 1)
            what = f"Rows whose {key} is there already"
            found.append(Finding(f"keys:{key}", key, what, "none", f"{count:,}", share, count))
    return found


def _rows(now: Past, history: Sequence[Past]) -> list[Finding]:
    rows = now.profile["rows"]
    low, high = band([each.profile["rows"] for each in _alike(now, history)], ROWS_SPREAD, ROWS_FLOOR)
    if low <= rows <= high and (rows or low <= 0):
        return []
    return [Finding("rows", "", "Number of rows", _range(low, high, ".0f"), f"{rows:,}", 1.0, rows)]


def _range(low: float, high: float, form: str) -> str:
    """A band in words; one that reaches down to nothing has only an upper end to tell of."""
    return f"up to {high:,{form}}" if low <= 0 <= high else f"{low:,{form}} to {high:,{form}}"


def _alike(now: Past, history: Sequence[Past]) -> Sequence[Past]:
    """Past loads of the same weekday where there are enough of them."""
    same = [each for each in history if each.day.weekday() == now.day.weekday()]
    return same if len({each.day for each in same}) >= WEEKS else history


def _nulls(now: Past, history: Sequence[Past]) -> list[Finding]:
    found = []
    for name, facts in now.profile["columns"].items():
        past = [
            each.profile["columns"][name]["nulls"]
            for each in history
            if "nulls" in each.profile["columns"].get(name, {})
        ]
        rate = facts.get("nulls", 0)
        if len(past) >= LEAST and rate > max(past) + NULLS_MORE:
            rows = round(rate * now.profile["rows"])
            usual = f"at most {max(past):.0%}"
            found.append(Finding(f"nulls:{name}", name, f"Rows without {name}", usual, f"{rate:.0%}", rate, rows))
    return found


def _totals(now: Past, history: Sequence[Past]) -> list[Finding]:
    """Sums of amounts; never of keys, whose sums grow by themselves."""
    found = []
    for name, facts in now.profile["columns"].items():
        past = [_sum(each, name) for each in _alike(now, history)]
        known = [value for value in past if value is not None]
        if "sum" not in facts or len(known) < min(LEAST, len(past)) or _is_key(now, history, name):
            continue
        low, high = band(known, TOTAL_SPREAD, TOTAL_FLOOR)
        if not low <= facts["sum"] <= high:
            usual, value = _range(low, high, ".2f"), f"{facts['sum']:,.2f}"
            found.append(Finding(f"total:{name}", name, f"Sum of {name}", usual, value, 1.0, now.profile["rows"]))
    return found


def _sum(each: Past, name: str) -> float | None:
    value: Any = each.profile["columns"].get(name, {}).get("sum")
    return None if value is None else float(value)


def _is_key(now: Past, history: Sequence[Past], name: str) -> bool:
    rates = [each.profile["columns"].get(name, {}).get("distinct", 0) for each in (now, *history)]
    lows = [each.profile["columns"].get(name, {}).get("min", 0) for each in history]
    rising = sum(b >= a for a, b in pairwise(lows)) >= 0.9 * max(len(lows) - 1, 1)
    return median(rates) >= LIKE_A_KEY and rising and len(set(lows)) > 1
