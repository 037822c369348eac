"""How risky a plan is for this incident: what the catalogue says, raised by what would make a person look twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from approvals.catalogue import CATALOGUE, Risk, at_least
from approvals.plan import Plan

UNSURE = 0.7  # confidence below which a cause counts as unclear
WIDE = 10  # downstream assets
MANY = 3  # related incidents that are not symptoms of one root
OFTEN = 3  # incidents of the same root in a week


@dataclass(frozen=True)
class Circumstances:
    """What raises a risk, beside the plan itself."""

    confidence: float
    downstream: int
    same_this_week: int
    rehearsed: bool
    is_access_problem: bool = False
    # Other incidents of the same hour on the same connection, which are not symptoms of this root.
    beside: int = 0
    # Whether the same action on this asset was taken back or failed within a month.
    went_wrong: bool = False


def assessed(plan: Plan, around: Circumstances) -> tuple[Risk, str]:
    """The risk and its reason, one sentence. formats.md section 14 lists what is at least medium."""
    risk: Risk = CATALOGUE[plan.action].risk
    reasons: list[str] = []
    for floor, reason in _raising(plan, around):
        if at_least(risk, floor) != risk:
            risk, reasons = floor, []
        if floor == risk:
            reasons.append(reason)
    return risk, (" ".join(reasons) or _usual(plan))[:300]


def _raising(plan: Plan, around: Circumstances) -> Iterator[tuple[Risk, str]]:
    changes = CATALOGUE[plan.action].binds == "change"
    if changes and not around.rehearsed:
        yield "medium", "The change to code or data is not rehearsed."
    if around.confidence < UNSURE:
        yield "medium", f"The cause is not sure ({around.confidence:.2f})."
    if around.downstream > WIDE and around.confidence < UNSURE:
        yield "high", f"{around.downstream} downstream assets, and the cause is not sure."
    if around.same_this_week >= OFTEN:
        yield "medium", f"The same asset broke {around.same_this_week} times this week."
    if around.beside > MANY:
        yield "medium", f"{around.beside} other things broke on this connection at the same time."
    if around.went_wrong:
        yield "medium", "The same fix failed here or was taken back within a month, so it could make it worse."
    if around.is_access_problem:
        yield "medium", "It is about access."
    if any(step.params.get("clear") for step in plan.steps):
        yield "medium", "It deletes by force what is stuck, which does not come back."
    if len({step.connection for step in plan.steps if step.kind == "publish"}) > 1:
        yield "medium", "It changes several systems at once."
    if any(step.kind == "publish" and not step.undo for step in plan.steps):
        yield "high", "It names no way back."


def _usual(plan: Plan) -> str:
    return f"{CATALOGUE[plan.action].undone}"
