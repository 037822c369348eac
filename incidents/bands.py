"""What is usual, from the past of the same asset: robust bands with seasons. Pure arithmetic on profiles."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from statistics import median

from integrations.values import Json

LEAST = 8  # past loads below which nothing is called unusual
WEEKS = 4  # past loads of one weekday from which that weekday has a band of its own
MONTHS = 3  # past month ends from which they are a season of their own
FEW = 12  # past loads of a season below which they do not tell how much it varies
SCALE = 1.4826  # makes the median absolute deviation comparable with a standard deviation
WEEKDAYS = list(calendar.day_name)


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
    # In numbers, where the detector has a band: what was seen, and outside of what it would be unusual.
    value: float | None = None
    low: float | None = None
    high: float | None = None
    # The median of its past: a change that a note expects is said in percent of it.
    middle: float | None = None
    # `on a Friday`, `at the end of a month`, or nothing.
    season: str = ""

    def as_json(self) -> Json:
        return {**asdict(self), "new": list(self.new)}

    @property
    def sentence(self) -> str:
        season = f" {self.season}" if self.season else ""
        return f"{self.what}: usually {self.usual}{season}, now {self.now}."


@dataclass(frozen=True)
class Judgement:
    """What one detector saw, with its band where it has one; `finding` when it is not as usual."""

    check: str
    column: str
    what: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    # How numbers of it are written: a format of Python.
    form: str = ",.0f"
    note: str = ""
    finding: Finding | None = None

    def as_json(self) -> Json:
        shown = {name: getattr(self, name) for name in ("check", "what", "value", "low", "high", "form", "note")}
        said = {"finding": self.finding.as_json(), "said": self.finding.sentence} if self.finding else {}
        return shown | {"ok": self.finding is None, **said}


@dataclass(frozen=True)
class Usual:
    """What a person called usual when closing an incident as expected: the band of `check` reaches this far."""

    check: str
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()


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


def alike(now: Past, history: Sequence[Past]) -> tuple[Sequence[Past], str]:
    """Past loads of the same season, where there are enough of them, and the season in words.

    A month end is compared with month ends and with nothing else; other days with the same weekday.
    """
    ends = [each for each in history if is_month_end(each.day)]
    if len({each.day for each in ends}) >= MONTHS:
        if is_month_end(now.day):
            return ends, "at the end of a month"
        history = [each for each in history if not is_month_end(each.day)]
    same = [each for each in history if each.day.weekday() == now.day.weekday()]
    if len({each.day for each in same}) >= WEEKS:
        return same, f"on a {WEEKDAYS[now.day.weekday()]}"
    return history, ""


def seasonal(
    now: Past, history: Sequence[Past], read: Callable[[Past], float | None], spread: float, floors: tuple[float, float]
) -> tuple[list[float], str, tuple[float, float]]:
    """The past of the season, its name, and its band; `floors` are of no season and of a known one.

    A season of few loads has too few to tell how much they vary: that is taken from all weekdays, each from its own
    middle.
    """
    same, season = alike(now, history)
    past = [value for each in same if (value := read(each)) is not None]
    if not past:
        return [], season, (0.0, 0.0)
    low, high = band(past, spread, floors[bool(season)])
    if season and len(past) < FEW:
        reach = spread * _variation(history, read)
        low, high = min(low, median(past) - reach), max(high, median(past) + reach)
    return past, season, (low, high)


def _variation(history: Sequence[Past], read: Callable[[Past], float | None]) -> float:
    """Robust deviation of all days from the middle of their own weekday."""
    groups: dict[int, list[float]] = defaultdict(list)
    for each in history:
        if (value := read(each)) is not None and not is_month_end(each.day):
            groups[each.day.weekday()].append(value)
    return median([abs(value - median(group)) for group in groups.values() for value in group] or [0.0]) * SCALE


def is_month_end(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def seen(values: Sequence[float], form: str) -> str:
    """What there was, in words: `2,310 to 2,690`, or one number."""
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} to {high}"


def outside(
    judged: Judgement, usual: str, now: str, *, middle: float | None, rows: int, season: str = "", share: float = 1.0
) -> Judgement:
    """The judgement with a finding when its value is not within its band."""
    value, low, high = judged.value, judged.low, judged.high
    if value is None or low is None or high is None or low <= value <= high:
        return judged
    found = Finding(
        judged.check, judged.column, judged.what, usual, now, share, rows, (), value, low, high, middle, season
    )
    return replace(judged, finding=found)


def widened(low: float, high: float, usual: Sequence[Usual], check: str) -> tuple[float, float]:
    mine = [each for each in usual if each.check == check]
    lows = [each.low for each in mine if each.low is not None]
    highs = [each.high for each in mine if each.high is not None]
    return min([low, *lows]), max([high, *highs])


@dataclass(frozen=True)
class Look:
    """What a detector is given: the rows now, their past (at least LEAST of it), and what people called usual."""

    now: Past
    history: Sequence[Past]
    usual: Sequence[Usual] = ()

    @property
    def rows(self) -> int:
        return int(self.now.profile["rows"])

    def of(self, read: Callable[[Past], float | None], history: Sequence[Past] | None = None) -> list[float]:
        """The values of the past that are known."""
        past = self.history if history is None else history
        return [value for each in past if (value := read(each)) is not None]

    def values_of(self, check: str) -> set[str]:
        return {value for each in self.usual if each.check == check for value in each.values}
