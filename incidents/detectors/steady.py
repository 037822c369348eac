"""Totals that hardly ever move: the rates of a few currencies, the targets of a plan. There a tenth more is a jump."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from incidents.bands import LEAST

STILL = 0.02  # part of its middle within which a total stayed in its whole past
FLOOR = 0.06  # part of its middle that is usual for such a total, whatever the season; eight deviations always are


def is_steady(past: Sequence[float]) -> bool:
    if len(past) < LEAST:
        return False
    middle = abs(median(past))
    return middle > 0 and all(abs(value - median(past)) <= STILL * middle for value in past)
