"""Amounts: their sum, and where most of them lie. Never keys, whose numbers grow by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from incidents.bands import LEAST, Judgement, Look, Past, band, outside, seasonal, seen, widened
from incidents.detectors.columns import rate
from incidents.detectors.steady import FLOOR as STEADY_FLOOR
from incidents.detectors.steady import is_steady

TOTAL_SPREAD = 8.0  # deviations
TOTAL_FLOOR, TOTAL_FLOOR_UNKNOWN = 0.6, 1.0  # part of the median that is usual: of a known season, and of none
MEAN_SPREAD, MEAN_FLOORS = 6.0, (0.1, 0.05)  # deviations; part of the median: of no season, and of a known one
MEAN_RANGE, STEADY = 1.5, 20  # while there are fewer loads than this, this many times their range is usual too
QUANTILES = {"p05": "Lower end (5 %)", "p50": "Middle", "p95": "Upper end (95 %)"}
SPREAD, FLOOR = 10.0, 0.5
FEW_ROWS, FEW_AT_ENDS = 50, 200  # rows below which the middle, or an end, is an accident
WIDTH = 0.5  # of the column's own usual width: a middle that flips between 0 and 1 has no deviation
LIKE_A_KEY = 0.98  # rate of distinct values from which a sum says nothing


def totals(look: Look) -> Iterator[Judgement]:
    for name, facts in look.now.profile["columns"].items():
        is_still = look.rows < FEW_AT_ENDS and is_steady(look.of(rate(name, "sum")))  # of more rows the mean tells
        floors = (STEADY_FLOOR, STEADY_FLOOR) if is_still else (TOTAL_FLOOR_UNKNOWN, TOTAL_FLOOR)
        past, season, limits = seasonal(look.now, look.history, rate(name, "sum"), TOTAL_SPREAD, floors)
        if "sum" not in facts or len(past) < LEAST // 2 or is_key(look.now, look.history, name):
            continue
        total = float(facts["sum"])
        low, high = widened(*limits, look.usual, f"total:{name}")
        judged = Judgement(f"total:{name}", name, f"Sum of {name}", total, low, high, note=season)
        usual, middle = seen(past, ",.2f"), median(past)
        yield outside(judged, usual, f"{total:,.2f}", middle=middle, rows=look.rows, season=season)


def means(look: Look) -> Iterator[Judgement]:
    """What one row is worth on average: the mean of many rows hardly moves, so that a tenth more already shows."""
    large = [each for each in look.history if each.profile["rows"] >= FEW_AT_ENDS]
    if look.rows < FEW_AT_ENDS or len(large) < LEAST:
        return
    for name, facts in look.now.profile["columns"].items():
        past, season, (low, high) = seasonal(look.now, large, rate(name, "mean"), MEAN_SPREAD, MEAN_FLOORS)
        if "mean" not in facts or len(past) < LEAST // 2 or is_key(look.now, look.history, name):
            continue
        every = look.of(rate(name, "mean"), large)
        reach = MEAN_RANGE * (max(every) - min(every)) if len(every) < STEADY else 0.0
        low, high = widened(min(low, median(past) - reach), max(high, median(past) + reach), look.usual, f"mean:{name}")
        form, value = ",.2f" if abs(high) < 1000 else ",.0f", float(facts["mean"])
        judged = Judgement(f"mean:{name}", name, f"Average {name}", value, low, high, form, season)
        usual, middle = seen(past, form), median(past)
        yield outside(judged, usual, format(value, form), middle=middle, rows=look.rows, season=season)


def quantiles(look: Look) -> Iterator[Judgement]:
    large = [each for each in look.history if each.profile["rows"] >= FEW_ROWS]
    if look.rows < FEW_ROWS or len(large) < LEAST:
        return
    for name, facts in look.now.profile["columns"].items():
        if "p50" not in facts or is_key(look.now, look.history, name):
            continue
        for of in QUANTILES:
            past = look.of(rate(name, of), large)
            if len(past) >= LEAST and of in facts and (of == "p50" or look.rows >= FEW_AT_ENDS):
                yield _quantile(look, name, of, past, WIDTH * _width(large, name))


def _quantile(look: Look, name: str, of: str, past: Sequence[float], room: float) -> Judgement:
    check, value, middle = f"{of}:{name}", float(look.now.profile["columns"][name][of]), median(past)
    low, high = band(past, SPREAD, FLOOR)
    low, high = widened(min(low, middle - room), max(high, middle + room), look.usual, check)
    form = ",.2f" if max(abs(low), abs(high)) < 1000 else ",.0f"
    judged = Judgement(check, name, f"{QUANTILES[of]} of {name}", value, low, high, form)
    return outside(judged, seen(past, form), format(value, form), middle=middle, rows=look.rows)


def is_key(now: Past, history: Sequence[Past], name: str) -> bool:
    """Nearly every value is another, and they rise from load to load."""
    rates = [each.profile["columns"].get(name, {}).get("distinct", 0) for each in (now, *history)]
    lows = [each.profile["columns"].get(name, {}).get("min", 0) for each in history]
    rising = sum(b >= a for a, b in pairwise(lows)) >= 0.9 * max(len(lows) - 1, 1)
    return median(rates) >= LIKE_A_KEY and rising and len(set(lows)) > 1


def _width(history: Sequence[Past], name: str) -> float:
    low, high = rate(name, "p05"), rate(name, "p95")
    pairs = [(low(each), high(each)) for each in history]
    known = [above - below for below, above in pairs if below is not None and above is not None]
    return median(known) if known else 0.0
