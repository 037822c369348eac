"""The usual range of a daily total, learned from the days before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from incidents.bands import band

DAYS = 28
FEWEST = 7  # days below which nothing counts as usual
SPREAD = 4.0  # robust deviations: what an approver is shown as usual
SLACK = 0.1  # of the median, because totals that never vary would make any change unusual


@dataclass(frozen=True)
class Band:
    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    def wider(self) -> Band:
        """Twice as wide: outside of this a value is wrong, not only unusual."""
        half = (self.high - self.low) / 2
        return Band(self.low - half, self.high + half)


def band_of(values: Sequence[float]) -> Band | None:
    """None with fewer than FEWEST values. A band of values that are never negative is not negative either."""
    if len(values) < FEWEST:
        return None
    low, high = band(values, SPREAD, SLACK)
    return Band(max(low, 0.0) if min(values) >= 0 else low, high)


def before(days: Mapping[str, float], day: str) -> list[float]:
    """The values of the DAYS days up to, and without, `day`."""
    return [days[name] for name in sorted(days) if name < day][-DAYS:]
