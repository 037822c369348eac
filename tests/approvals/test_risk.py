"""How a risk is reached."""

from __future__ import annotations

from dataclasses import replace

import pytest

from approvals.catalogue import CATALOGUE, riskiest
from approvals.plan import Plan, Step
from approvals.risk import Circumstances, assessed

SURE = Circumstances(confidence=0.95, downstream=3, same_this_week=1, rehearsed=True)


def plan(action: str, *steps: Step) -> Plan:
    return Plan(action, "t", "w", 1, "a://b/c", steps, "undo", ("a://b/c",))


def test_a_sure_and_rehearsed_rollback_is_low() -> None:
    assert assessed(plan("rollback"), SURE)[0] == "low"


@pytest.mark.parametrize(
    ("around", "risk"),
    [
        (replace(SURE, rehearsed=False), "medium"),
        (replace(SURE, confidence=0.6), "medium"),
        (replace(SURE, confidence=0.6, downstream=11), "high"),
        (replace(SURE, same_this_week=3), "medium"),
        (replace(SURE, is_access_problem=True), "medium"),
        (replace(SURE, beside=4), "medium"),
        (replace(SURE, went_wrong=True), "medium"),
    ],
)
def test_what_makes_a_person_look_twice_raises_the_risk(around: Circumstances, risk: str) -> None:
    found, reason = assessed(plan("rollback"), around)
    assert (found, bool(reason)) == (risk, True)


def test_a_publish_that_names_no_way_back_is_high() -> None:
    step = Step("publish", "t", "production", "lake", {"assets": []}, "rollback", undo="")
    assert assessed(plan("rollback", step), SURE)[0] == "high"


def test_a_plan_of_several_actions_is_named_by_its_riskiest() -> None:
    assert riskiest(["rollback", "quarantine", "retry"]) == "quarantine"
    assert riskiest(["retry", "rollback"]) == "retry"
    assert set(CATALOGUE) == {
        "retry", "retry_later", "rerun_with_parameters", "rollback", "quarantine", "patch_code", "patch_data",
        "update_schema_mapping", "ask_owner", "escalate", "wait", "close_as_expected",
    }  # fmt: skip


def test_asking_for_access_is_looked_at_twice_as_well() -> None:
    assert assessed(plan("ask_owner"), replace(SURE, is_access_problem=True)) == ("medium", "It is about access.")
