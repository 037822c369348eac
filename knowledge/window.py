"""When a retry window is open next, with time zones, days and the change of clocks. Pure.

Where clocks go forward over an end of a window, that end is the moment of the change; a window that lies wholly in the
missing hour is not open on that day. Where clocks go back, a window opens at the first of two equal times and closes
at the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from knowledge.hints import RetryWindow, at

HORIZON = 15  # days that are looked through: every weekday twice
MINUTE = timedelta(minutes=1)


def next_window(hint: RetryWindow, now: datetime) -> tuple[datetime, datetime]:
    """(not before, not after), both UTC: the part of the next time for a retry that is still to come.

    Inside: the window that is open now, else the next one. After: from the end of the window that is open now (else
    from now) to the beginning of the next one.
    """
    now = now.astimezone(UTC)
    spans = [span for span in _spans(hint, now) if span[1] > now]
    if hint.when == "inside":
        start, end = spans[0]
        return max(start, now), end
    free = now
    for start, end in spans:
        if start > free:
            return free, start
        free = max(free, end)
    return free, free + timedelta(days=1)  # one window runs into the next: after the last that is known


def _spans(hint: RetryWindow, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Windows in their order, from the one that opened the day before."""
    zone = ZoneInfo(hint.zone)
    today = now.astimezone(zone).date()
    overnight = timedelta(days=int(at(hint.end) <= at(hint.start)))
    for offset in range(-1, HORIZON):
        day = today + timedelta(days=offset)
        if day.weekday() not in hint.days:
            continue
        start, end = _moment(day, hint.start, zone, 0), _moment(day + overnight, hint.end, zone, 1)
        if start < end:
            yield start, end


def _moment(day: date, clock: str, zone: ZoneInfo, fold: int) -> datetime:
    """That local time in UTC; one that is skipped is the moment at which it is skipped."""
    local = datetime.combine(day, at(clock), zone).replace(fold=fold)
    found = local.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return found
    moment = local.replace(fold=1).astimezone(UTC)  # in a gap the later offset gives the earlier moment
    before = moment.astimezone(zone).utcoffset()
    while moment.astimezone(zone).utcoffset() == before:
        moment += MINUTE
    return moment
