"""It was meant: closed with the words of the note that expects it, by one click."""

from __future__ import annotations

from approvals.plan import Plan, Step
from approvals.remedies.case import Case, NoPlan


def close_as_expected(case: Case) -> Plan:
    expected = case.fact("expected")
    if expected["within"] is False:
        raise NoPlan(f"{expected['says']} So it is not closed as expected.")
    step = Step(
        "close",
        "Close the incident as expected",
        "production",
        "",
        {"resolution": "expected"},
        "close_as_expected",
        "Re-open the incident.",
    )
    title = f"Close as expected: {expected['says']}"[:300]
    return Plan("close_as_expected", title, expected["says"], case.number, case.root, (step,), "stop", (case.root,))
