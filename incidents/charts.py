"""A detector's history as numbers for an SVG: the values, the band around them, what was outside. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

MOST = 60  # points of a chart
ROOM = 0.06  # of the height above and below what is drawn
BEYOND = 1.5  # of the values' own reach that a band may widen the drawing by: a wide band would flatten them


@dataclass(frozen=True)
class Point:
    at: datetime
    value: float
    low: float | None = None
    high: float | None = None
    ok: bool = True


@dataclass(frozen=True)
class Chart:
    """For a viewBox of 100 by 100, stretched as the page likes."""

    line: str
    # Closed paths of the band: it has gaps where too little was known.
    areas: tuple[str, ...]
    outside: tuple[str, ...]
    last: str
    top: float
    bottom: float
    first_at: datetime
    last_at: datetime
    label: str


def chart(title: str, points: Sequence[Point], form: str = ",.0f") -> Chart | None:
    """None with fewer than two points."""
    kept = list(points)[-MOST:]
    if len(kept) < 2:
        return None
    bottom, top = _ends(kept)
    step = 100 / (len(kept) - 1)

    def y(value: float) -> float:
        return round(100 - 100 * (min(max(value, bottom), top) - bottom) / (top - bottom), 2)

    spots = [(round(at * step, 2), y(point.value)) for at, point in enumerate(kept)]
    bands: list[list[tuple[float, float, float]]] = [[]]
    for (x, _), point in zip(spots, kept, strict=True):
        if point.low is None or point.high is None:
            bands.append([])
        else:
            bands[-1].append((x, y(point.low), y(point.high)))
    return Chart(
        line="M" + " L".join(f"{x} {height}" for x, height in spots),
        areas=tuple(_area(part) for part in bands if len(part) > 1),
        outside=tuple(f"M{x} {h}h0" for (x, h), point in zip(spots, kept, strict=True) if not point.ok),
        last="M{} {}h0".format(*spots[-1]),
        top=top,
        bottom=bottom,
        first_at=kept[0].at,
        last_at=kept[-1].at,
        label=_label(title, kept, form),
    )


def _ends(points: Sequence[Point]) -> tuple[float, float]:
    values = [point.value for point in points]
    low, high = min(values), max(values)
    reach = BEYOND * ((high - low) or abs(high) or 1.0)
    low = min([low, *(max(p.low, low - reach) for p in points if p.low is not None)])
    high = max([high, *(min(p.high, high + reach) for p in points if p.high is not None)])
    room = ROOM * ((high - low) or abs(high) or 1.0)
    return (max(low - room, 0.0) if low >= 0 else low - room), high + room


def _area(part: Sequence[tuple[float, float, float]]) -> str:
    there = " L".join(f"{x} {high}" for x, _, high in part)
    back = " L".join(f"{x} {low}" for x, low, _ in reversed(part))
    return f"M{there} L{back}Z"


def _label(title: str, points: Sequence[Point], form: str) -> str:
    last, out = points[-1], sum(not point.ok for point in points)
    band = f", its band {format(last.low, form)} to {format(last.high, form)}" if _has_band(last) else ""
    strays = f", {out} of {len(points)} outside" if out else ""
    return f"{title}: {format(last.value, form)} at last{band}{strays}"


def _has_band(point: Point) -> bool:
    return point.low is not None and point.high is not None
