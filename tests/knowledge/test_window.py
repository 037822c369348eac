from __future__ import annotations

from datetime import UTC, datetime

import pytest

from knowledge.hints import RetryWindow
from knowledge.window import next_window

DAWN = RetryWindow("inside", "02:47", "03:12")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2026-11-20T01:00", "2026-11-20T02:47", "2026-11-20T03:12"),  # still to come
        ("2026-11-20T02:50", "2026-11-20T02:50", "2026-11-20T03:12"),  # open now
        ("2026-11-20T03:12", "2026-11-21T02:47", "2026-11-21T03:12"),  # just closed
    ],
)
def test_inside_is_the_open_window_or_the_next(now: str, start: str, end: str) -> None:
    assert next_window(DAWN, utc(now)) == (utc(start), utc(end))


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2026-11-20T01:00", "2026-11-20T01:00", "2026-11-20T02:47"),  # free until it opens
        ("2026-11-20T03:00", "2026-11-20T03:12", "2026-11-21T02:47"),  # wait until it closes
    ],
)
def test_after_is_the_time_between_two_windows(now: str, start: str, end: str) -> None:
    assert next_window(RetryWindow("after", "02:47", "03:12"), utc(now)) == (utc(start), utc(end))


def test_days_are_those_on_which_it_opens_and_it_may_run_over_midnight() -> None:
    weekend = RetryWindow("inside", "23:30", "00:30", days=(4,))  # Friday night
    assert next_window(weekend, utc("2026-11-21T00:10")) == (utc("2026-11-21T00:10"), utc("2026-11-21T00:30"))
    assert next_window(weekend, utc("2026-11-21T00:30")) == (utc("2026-11-27T23:30"), utc("2026-11-28T00:30"))


def test_the_zone_decides_the_hour_in_winter_and_in_summer() -> None:
    berlin = RetryWindow("inside", "06:00", "06:30", "Europe/Berlin")
    assert next_window(berlin, utc("2026-01-10T00:00"))[0] == utc("2026-01-10T05:00")
    assert next_window(berlin, utc("2026-07-10T00:00"))[0] == utc("2026-07-10T04:00")


@pytest.mark.parametrize(
    ("start", "end", "opens", "closes"),
    [
        ("01:30", "02:30", "2026-03-29T00:30", "2026-03-29T01:00"),  # its end is skipped: until the change
        ("02:30", "03:30", "2026-03-29T01:00", "2026-03-29T01:30"),  # its start is skipped: from the change
        ("02:10", "02:50", "2026-03-30T00:10", "2026-03-30T00:50"),  # skipped whole: the next day
    ],
)
def test_the_hour_that_spring_skips(start: str, end: str, opens: str, closes: str) -> None:
    hint = RetryWindow("inside", start, end, "Europe/Berlin")
    assert next_window(hint, utc("2026-03-28T12:00")) == (utc(opens), utc(closes))


def test_the_hour_that_autumn_repeats_is_open_twice_as_long() -> None:
    hint = RetryWindow("inside", "02:00", "02:30", "Europe/Berlin")
    assert next_window(hint, utc("2026-10-24T12:00")) == (utc("2026-10-25T00:00"), utc("2026-10-25T01:30"))


def test_a_window_that_never_closes_leaves_no_time_after_it_but_an_answer() -> None:
    hint = RetryWindow("after", "00:00", "23:59")
    start, end = next_window(hint, utc("2026-11-20T12:00"))
    assert (start, end) == (utc("2026-11-20T23:59"), utc("2026-11-21T00:00"))
