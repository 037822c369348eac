from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incidents.bands import LEAST, Past, band, is_month_end
from incidents.detectors import unusual

START = datetime(2026, 10, 1, 6, tzinfo=UTC)  # a Thursday


def load(day: int, rows: int = 1000, categories: dict[str, float] | None = None, **more: Any) -> Past:
    columns: dict[str, Any] = {
        "place": {"categories": categories or {"north": 0.6, "south": 0.4}, "nulls": 0.0, "distinct": 0.002}
    }
    columns["worth"] = {
        "sum": more.pop("sum", rows * 10.0),
        "nulls": more.pop("nulls", 0.0),
        "distinct": 0.5,
        "min": 1.0,
    }
    date = (START + timedelta(days=day)).date().isoformat()
    profile = {
        "rows": rows,
        "columns": columns,
        "duplicates": more.pop("duplicates", {"number": 0}),
        "totals": {"*": {date: rows}},
    }
    return Past(START + timedelta(days=day), profile)


def past(days: int = 40) -> list[Past]:
    """Busy weekends, a little noise: a healthy history."""
    return [
        load(day, 1000 + (day * 37) % 90 + (600 if (START + timedelta(days=day)).weekday() >= 5 else 0))
        for day in range(days)
    ]


def checks(now: Past, history: list[Past] | None = None) -> list[str]:
    return [finding.check for finding in unusual(now, past() if history is None else history)]


def test_a_healthy_day_is_quiet() -> None:
    for day in range(LEAST, 40):
        assert unusual(past()[day], past()[:day]) == [], day


def test_a_value_that_was_never_there_is_found_with_its_rows() -> None:
    (finding,) = unusual(load(40, categories={"north": 0.55, "south": 0.35, "moon": 0.1}), past())
    assert (finding.check, finding.new, finding.rows, finding.share) == ("category:place", ("moon",), 100, 0.1)
    assert "north" in finding.usual


def test_a_single_stray_row_is_not_worth_a_night() -> None:
    assert checks(load(40, categories={"north": 0.6, "south": 0.399, "moon": 0.001})) == []


def test_twenty_rows_are_even_in_a_large_load() -> None:
    assert checks(load(40, 1080, categories={"north": 0.6, "south": 0.38, "moon": 0.0186})) == ["category:place"]


def test_a_column_whose_values_are_always_new_has_no_band() -> None:
    named = [load(day, categories={"north": 0.5, f"customer {day}": 0.5}) for day in range(40)]
    assert checks(load(40, categories={"north": 0.5, "customer 40": 0.5}), named) == []


def test_a_load_without_rows_is_found() -> None:
    now = load(40, 0)
    now.profile["columns"] = {}
    assert checks(now) == ["rows"]


def test_four_times_the_rows_are_found() -> None:
    assert "rows" in checks(load(40, 4000))


def test_a_weekday_is_compared_with_its_own_kind() -> None:
    quiet = [load(day, 10 if (START + timedelta(days=day)).weekday() == 6 else 1000) for day in range(42)]
    sunday = next(day for day in range(42, 49) if (START + timedelta(days=day)).weekday() == 6)
    assert checks(load(sunday, 10), quiet) == []
    assert "rows" in checks(load(sunday + 1, 10), quiet)


def test_a_total_far_outside_is_found() -> None:
    assert checks(load(40, sum=150_000.0)) == ["total:worth"]


def test_rows_that_repeat_a_key_are_found_first() -> None:
    assert checks(load(40, 4000, duplicates={"number": 12}))[0] == "keys:number"


def test_a_key_that_always_repeated_is_none() -> None:
    repeated = [load(day, duplicates={"number": 3}) for day in range(40)]
    assert checks(load(40, duplicates={"number": 5}), repeated) == []


def test_values_that_go_missing_are_found() -> None:
    assert checks(load(40, nulls=0.5)) == ["nulls:worth"]


def test_a_short_past_calls_nothing_unusual() -> None:
    assert checks(load(40, 0), past(LEAST - 1)) == []


@pytest.mark.parametrize("values", [[10.0] * 9, [9.0, 10.0, 11.0] * 3])
def test_a_band_holds_its_median_and_has_a_floor(values: list[float]) -> None:
    low, high = band(values, 6.0, 0.5)
    assert low <= 5.0 and high >= 15.0


def amounts(day: int, factor: float = 1.0) -> Past:
    """1,000 rows whose average moves by a percent from day to day."""
    now = load(day)
    mean = factor * (50 + (day * 7 % 11 - 5) / 10)
    now.profile["columns"]["worth"] |= {"mean": mean, "sum": mean * 1000, "p05": 5.0, "p50": 48.0, "p95": 140.0}
    return now


def test_a_tenth_more_on_average_is_found_and_a_percent_is_not() -> None:
    history = [amounts(day) for day in range(40)]
    (found,) = unusual(amounts(40, 1.1), history)
    assert (found.check, found.season) == ("mean:worth", "on a Tuesday")
    assert found.middle is not None and found.value is not None and 1.08 < found.value / found.middle < 1.12
    assert checks(amounts(40, 1.01), history) == []


def test_month_ends_are_compared_with_month_ends_alone() -> None:
    start = START.replace(month=1, day=1)
    days = [start + timedelta(days=n) for n in range(150)]
    history = [load((day - START).days, 5000 if is_month_end(day.date()) else 1000) for day in days]
    end, other = (next(d for d in range(150, 200) if is_month_end((start + timedelta(days=d)).date()) == is_end)
                  for is_end in (True, False))  # fmt: skip
    offset = (start - START).days
    assert checks(load(offset + end, 5000), history) == []
    assert checks(load(offset + end, 1000), history)[0] == "rows"
    assert "rows" in checks(load(offset + other, 5000), history)
    assert "at the end of a month" in unusual(load(offset + end, 1000), history)[0].sentence


def test_a_finding_is_one_sentence() -> None:
    busy = 40
    history = [load(day, 2400 + 10 * (day % 7)) for day in range(busy)]
    friday = next(day for day in range(busy, busy + 7) if (START + timedelta(days=day)).weekday() == 4)
    found = next(one for one in unusual(load(friday, 900), history) if one.check == "rows")
    assert found.sentence == "Rows that came: usually 2,410 on a Friday, now 900."
