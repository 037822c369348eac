"""When the last load landed, against the usual time until the next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from incidents.bands import LEAST, WEEKDAYS, WEEKS, Judgement, Usual, band, outside, widened

SPREAD, FLOOR = 6.0, 0.1
LONGER = 1.1  # of the longest pause there was, while the weekdays are not known yet
AT_LEAST = 1.0  # hours that a load may always be late
SAME = timedelta(minutes=10)  # arrivals nearer than this are one: several attempts, or parts of one load
HOUR = 3600


def freshness(
    arrivals: Sequence[datetime], now: datetime, announced: datetime | None = None, usual: Sequence[Usual] = ()
) -> Judgement | None:
    """None below LEAST arrivals. `announced` is when the scheduler says that the next load begins."""
    landed = _apart(sorted(each for each in arrivals if each <= now))
    if len(landed) < LEAST:
        return None
    last, season = landed[-1], ""
    gaps = [(a, (b - a).total_seconds() / HOUR) for a, b in pairwise(landed)]
    same = [hours for began, hours in gaps if began.weekday() == last.weekday()]
    past = [hours for _, hours in gaps]
    if len(same) >= WEEKS:
        past, season = same, f"after a {WEEKDAYS[last.weekday()]}"
    high = max(band(past, SPREAD, FLOOR)[1], median(past) + AT_LEAST, 0 if season else max(past) * LONGER)
    if announced and announced > last:
        high = max(high, (announced - last).total_seconds() / HOUR + AT_LEAST)
    _, high = widened(0.0, high, usual, "freshness")
    hours = (now - last).total_seconds() / HOUR
    note = f"last load {last:%a %d %b %H:%M} UTC, the next by {last + timedelta(hours=high):%a %d %b %H:%M}"
    judged = Judgement("freshness", "", "Hours since the last load", round(hours, 2), 0.0, high, ",.1f", note)
    said = f"{min(past):,.1f} to {max(past):,.1f} h" if max(past) - min(past) >= 0.1 else f"{max(past):,.1f} h"
    return outside(judged, said, f"{hours:,.1f} h", middle=median(past), rows=0, season=season)


def _apart(arrivals: Sequence[datetime]) -> list[datetime]:
    kept: list[datetime] = []
    for each in arrivals:
        if kept and each - kept[-1] < SAME:
            kept[-1] = each
        else:
            kept.append(each)
    return kept
