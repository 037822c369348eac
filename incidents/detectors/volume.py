"""How many rows there are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from incidents.bands import Judgement, Look, Past, outside, seasonal, seen, widened

SPREAD = 6.0  # deviations
FLOOR, FLOOR_UNKNOWN = 0.35, 0.75  # part of the median that is usual in any case: of a known season, and of none
LEFT = 0.5  # part of a table's rows that may go, or come, from one look to the next
NONE = 0.5  # rows: a band that does not reach down to this has no place for an empty load


def rows(look: Look) -> Iterator[Judgement]:
    """Rows that came, against the same weekday or month end."""
    past, season, limits = seasonal(look.now, look.history, count, SPREAD, (FLOOR_UNKNOWN, FLOOR))
    yield _judgement(look, "rows", "Rows that came", past, limits, season)


def table_rows(look: Look) -> Iterator[Judgement]:
    """Rows of a whole table, which come and seldom go: from one look to the next half of them may."""
    past = look.of(count)
    reach = max(SPREAD * max((abs(b - a) for a, b in pairwise(past)), default=0.0), LEFT * past[-1])
    if past[-1]:
        yield _judgement(look, "table_rows", "Rows in the table", past, (past[-1] - reach, past[-1] + 2 * reach), "")


def count(each: Past) -> float:
    return float(each.profile["rows"])


def _judgement(
    look: Look, check: str, what: str, past: list[float], limits: tuple[float, float], season: str
) -> Judgement:
    # Nothing at all is unusual wherever something always came, however wide the band.
    low, high = widened(max(limits[0], NONE if min(past) else 0.0), limits[1], look.usual, check)
    judged = Judgement(check, "", what, look.rows, low, high, note=season)
    usual, middle = seen(past, ",.0f"), median(past)
    return outside(judged, usual, f"{look.rows:,}", middle=middle, rows=look.rows, season=season)
