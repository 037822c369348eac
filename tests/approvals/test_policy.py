"""Who must sign, and how a risk is reached."""

from __future__ import annotations

from dataclasses import replace

import pytest

from approvals import policy
from approvals.catalogue import CATALOGUE, riskiest
from approvals.models import Proposal
from approvals.plan import Plan, Step
from approvals.risk import Circumstances, assessed

SURE = Circumstances(confidence=0.95, downstream=3, same_this_week=1, rehearsed=True)


def plan(action: str, *steps: Step) -> Plan:
    return Plan(action, "t", "w", 1, "a://b/c", steps, "undo", ("a://b/c",))


@pytest.mark.parametrize(
    ("action", "risk", "quorum"), [("quarantine", "low", 1), ("ask_owner", "low", 1), ("rollback", "high", 2)]
)
def test_the_first_rule_that_fits_decides(action: str, risk: str, quorum: int) -> None:
    need = policy.requirement(Proposal(action=action, risk=risk))
    assert (need["quorum"], need["roles"]) == (quorum, ["approver"])
    assert need["rule"]


def test_the_hash_follows_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    before = policy.policy_hash()
    monkeypatch.setattr(policy, "RULES", (*policy.RULES[:-1], (*policy.RULES[-1][:3], 2, ("approver",))))
    assert policy.policy_hash() != before


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
