"""Detectors of what fails silently. Each looks at the facts about rows beside their past, and says what it saw.

The order is how decisive a finding is: the first that is not as usual names the incident.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from incidents.bands import LEAST, Finding, Judgement, Look, Past, Usual
from incidents.detectors import columns, numbers, sets, volume

Detector = Callable[[Look], Iterator[Judgement]]

# Of the rows that a load brought, and of a whole table.
LOAD: tuple[Detector, ...] = (
    sets.keys, sets.categories, sets.schema, volume.rows, columns.nulls, numbers.totals, numbers.means,
    columns.distinct, numbers.quantiles,
)  # fmt: skip
WHOLE: tuple[Detector, ...] = (
    sets.keys, sets.categories, sets.schema, volume.table_rows, columns.nulls, numbers.means, columns.distinct,
    numbers.quantiles,
)  # fmt: skip
DAYS: tuple[Detector, ...] = (volume.rows, numbers.totals)  # of one day's rows in a whole table


def judge(
    now: Past, history: Sequence[Past], usual: Sequence[Usual] = (), detectors: Sequence[Detector] = LOAD
) -> list[Judgement]:
    """What every detector saw; nothing below LEAST past loads, because then nothing is known of what is usual."""
    if len(history) < LEAST:
        return []
    look = Look(now, history, usual)
    return [seen for detector in detectors for seen in detector(look)]


def unusual(now: Past, history: Sequence[Past], usual: Sequence[Usual] = ()) -> list[Finding]:
    """What a load brought that its past does not know, the most decisive first."""
    return [seen.finding for seen in judge(now, history, usual) if seen.finding]
