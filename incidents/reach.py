"""How far "expected" teaches: one bounded step by whoever works on incidents, any step by an administrator. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from incidents.bands import Usual
from incidents.heed import UNMEASURED, percent
from integrations.values import Json
from knowledge.capture import Lesson
from knowledge.hints import MOST_PERCENT, ExpectedChange, Hint

MARGIN = 0.1  # of its value that a band reaches beyond what was called usual
STEP = 0.5  # of the median of its past that a band grows at most in one step
TO_NOTHING = 0.5  # of the way from its edge to nothing, because an empty load is never made usual by a step
NAMED = 10  # values of one set that are called usual at most


@dataclass(frozen=True)
class Reach:
    """What a finding teaches, and whether it would have gone further."""

    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    is_held: bool = False

    @property
    def teaches(self) -> bool:
        return self.low is not None or self.high is not None or bool(self.values) or not self.is_held


def reach(finding: Json, known: Sequence[Usual], *, is_bounded: bool) -> Reach:
    """To what was found, and a little further in that direction; bounded, at most a step from the band's edge.

    `known` is what stands already. A second step in one direction is held, because many small ones lead anywhere.
    """
    mine = [one for one in known if one.check == finding["check"]]
    value, low, high = finding.get("value"), finding.get("low"), finding.get("high")
    if value is not None and low is not None and value < low:
        is_second = any(one.low is not None for one in mine)
        to, is_held = _limit(value, low, -1, _step(finding), is_bounded=is_bounded, is_second=is_second)
        return Reach(low=to, is_held=is_held)
    if value is not None and high is not None and value > high:
        is_second = any(one.high is not None for one in mine)
        to, is_held = _limit(value, high, 1, _step(finding), is_bounded=is_bounded, is_second=is_second)
        return Reach(high=to, is_held=is_held)
    return _named(finding, mine, is_bounded)


def _limit(
    value: float, edge: float, way: int, step: float, *, is_bounded: bool, is_second: bool
) -> tuple[float | None, bool]:
    """Where the band ends from now on, and whether it was wanted further; `way` is 1 upwards."""
    wanted = value + way * MARGIN * abs(value)
    if not is_bounded:
        return wanted, False
    if is_second:
        return None, True
    towards_nothing = edge * way < 0
    most = edge + way * (min(step, TO_NOTHING * abs(edge)) if towards_nothing else step)
    return (max(wanted, most) if way < 0 else min(wanted, most)), (value - most) * way > 0


def _step(finding: Json) -> float:
    """In the unit of the check; of what is usually nothing, the band's own width."""
    width = float(finding.get("high") or 0.0) - float(finding.get("low") or 0.0)
    return STEP * abs(float(finding["middle"])) if finding.get("middle") else abs(width)


def _named(finding: Json, mine: Sequence[Usual], is_bounded: bool) -> Reach:
    """The values that a set did not have: these and no others."""
    new = [str(value) for value in finding.get("new", [])]
    room = NAMED - sum(len(one.values) for one in mine)
    if is_bounded and len(new) > room:
        return Reach(values=tuple(new[: max(0, room)]), is_held=True)
    return Reach(values=tuple(new))


def wish(number: int, asset: str, finding: Json, reason: str) -> Lesson:
    """The draft by which an administrator is asked for the rest; with a hint where a percentage can say it."""
    change, hints = percent(finding), tuple[Hint, ...]()
    is_sayable = change is not None and abs(change) * (1 + MARGIN) <= MOST_PERCENT
    if change is not None and is_sayable and finding["check"].partition(":")[0] not in UNMEASURED:
        bounds = sorted((round(abs(change) * (1 - MARGIN), 1), round(abs(change) * (1 + MARGIN), 1)))
        hints = (ExpectedChange(finding["column"], "up" if change > 0 else "down", bounds[0], bounds[1], asset),)
    happened = f"{finding['what']}: usually {finding['usual']}, now {finding['now']}."
    cause = "Called expected, and further away than is taught without an administrator."
    return Lesson(number, asset, happened, cause, words=(reason,) if reason.strip() else (), hints=hints)
