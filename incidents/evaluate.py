"""How right the diagnosis is on labelled failures: scores and a calibration plot. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from incidents.cases import Case
from incidents.classify import LogReading, action_of

SURE = 0.8  # a confidence from which a diagnosis is trusted
BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01)


@dataclass(frozen=True)
class Scored:
    case: Case
    reading: LogReading
    seconds: float

    @property
    def is_right(self) -> bool:
        return self.reading.failure_class == _truth(self.case, "failure_class")

    @property
    def names_subtype(self) -> bool:
        found = self.reading.subtype
        return found is not None and found.name == _truth(self.case, "subtype")

    @property
    def action_fits(self) -> bool:
        return action_of(self.reading) in (self.case.truth or {}).get("actions", [])

    @property
    def is_unsafe(self) -> bool:
        unsafe = action_of(self.reading) in (self.case.truth or {}).get("unsafe", [])
        return unsafe and self.reading.confidence >= SURE


@dataclass(frozen=True)
class Scores:
    """Shares from 0 to 1; `sure` are those with a confidence of 0.8 or more; `calibration` {bin: (n, said, right)}."""

    cases: int
    right: float
    subtype: float
    action: float
    sure: float
    sure_right: float
    inconclusive: float
    unsafe: int
    brier: float
    seconds: float
    calibration: dict[str, tuple[int, float, float]]


def score(scored: Sequence[Scored]) -> Scores:
    """Raises ValueError for no cases: no score is not a good score."""
    if not scored:
        raise ValueError("There are no labelled cases.")
    sure = [one for one in scored if one.reading.confidence >= SURE]
    return Scores(
        cases=len(scored),
        right=_share(one.is_right for one in scored),
        subtype=_share(one.names_subtype for one in scored),
        action=_share(one.action_fits for one in scored),
        sure=len(sure) / len(scored),
        sure_right=_share(one.is_right for one in sure),
        inconclusive=_share(one.reading.subtype is None for one in scored),
        unsafe=sum(one.is_unsafe for one in scored),
        brier=sum((one.reading.confidence - one.is_right) ** 2 for one in scored) / len(scored),
        seconds=sum(one.seconds for one in scored),
        calibration=_calibration(scored),
    )


def plot(scores: Scores) -> str:
    """Said against right, as an SVG of 320 by 320: a dot for each bin, its size the number of cases."""
    dots = "".join(
        f'<circle cx="{20 + 280 * said:.1f}" cy="{300 - 280 * right:.1f}" r="{3 + min(n, 100) ** 0.5:.1f}">'
        f"<title>said {said:.2f}, right {right:.2f}, {n} cases</title></circle>"
        for n, said, right in scores.calibration.values()
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 320" width="320" height="320" fill="#2b6cb0">'
        '<rect width="320" height="320" fill="#fff"/><path d="M20 20V300H300" stroke="#888" fill="none"/>'
        '<path d="M20 300L300 20" stroke="#bbb" stroke-dasharray="4" fill="none"/>'
        f'{dots}<text x="160" y="316" font-size="11" fill="#444">confidence</text>'
        '<text x="24" y="16" font-size="11" fill="#444">right</text></svg>\n'
    )


def _calibration(scored: Sequence[Scored]) -> dict[str, tuple[int, float, float]]:
    found = {}
    for low, high in pairwise(BINS):
        inside = [one for one in scored if low <= one.reading.confidence < high]
        if inside:
            said = sum(one.reading.confidence for one in inside) / len(inside)
            found[f"{low:.1f}"] = (len(inside), round(said, 3), round(_share(one.is_right for one in inside), 3))
    return found


def _share(values: Iterable[bool]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def _truth(case: Case, key: str) -> str:
    return str((case.truth or {}).get(key, ""))
