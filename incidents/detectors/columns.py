"""How much of a column is missing, and how much of it differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median

from incidents.bands import LEAST, Judgement, Look, Past, band, outside, seen, widened

NULLS_MORE = 0.2  # rate of missing values above the most that was ever seen: always worth a look
NULLS_SPREAD, NULLS_FEW = 10.0, 0.02  # deviations; a rate that is never worth a night
NULLS_ROWS = 20  # missing values below which a rate is an accident
FEW_ROWS = 20  # rows in which a rate of distinct values says nothing
SETS = 0.05  # rate of distinct values below which a column is a set, which `sets` looks at
SPREAD, FLOOR = 8.0, 0.5


def nulls(look: Look) -> Iterator[Judgement]:
    """More values are missing than ever. A column that is hardly ever empty is watched more closely."""
    for name, facts in look.now.profile["columns"].items():
        past = look.of(rate(name, "nulls"))
        if len(past) < LEAST or "nulls" not in facts:
            continue
        value, most, check = float(facts["nulls"]), max(past), f"nulls:{name}"
        close = max(band(past, NULLS_SPREAD, 0.0)[1], 2 * most, most + NULLS_ROWS / max(look.rows, 1), NULLS_FEW)
        _, high = widened(0.0, min(most + NULLS_MORE, close), look.usual, check)
        judged = Judgement(check, name, f"Rows without {name}", value, 0.0, high, ".1%")
        count = round(value * look.rows)
        yield outside(judged, f"at most {most:.0%}", f"{value:.0%}", middle=median(past), rows=count, share=value)


def distinct(look: Look) -> Iterator[Judgement]:
    """A column whose values begin to repeat, or no longer do. Sets of few values are for `sets.categories`."""
    if look.rows < FEW_ROWS:
        return
    large = [each for each in look.history if each.profile["rows"] >= FEW_ROWS]
    for name, facts in look.now.profile["columns"].items():
        past = look.of(rate(name, "distinct"), large)
        if len(past) < LEAST or "distinct" not in facts or median(past) < SETS:
            continue
        value, check = float(facts["distinct"]), f"distinct:{name}"
        low, high = widened(*band(past, SPREAD, FLOOR), look.usual, check)
        judged = Judgement(
            check, name, f"Share of different values of {name}", value, max(low, 0.0), min(high, 1.0), ".0%"
        )
        yield outside(judged, seen(past, ".0%"), f"{value:.0%}", middle=median(past), rows=look.rows)


def rate(name: str, of: str) -> Callable[[Past], float | None]:
    """Reads a fact of a column from a profile."""

    def read(each: Past) -> float | None:
        value = each.profile["columns"].get(name, {}).get(of)
        return None if value is None else float(value)

    return read
