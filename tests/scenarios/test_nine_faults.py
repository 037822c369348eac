"""The nine faults on a running installation: found, decidable, healed to the known good state, and taken back."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.demo import faults, known_good
from tests.scenarios.stand import Stand, wait

HEALED_BY_MACHINE = [name for name, fault in faults.FAULTS.items() if fault.action != "ask_owner"]
NOT_UNDONE = {"flaky-api", "lock-conflict"}  # a retry only adds what the schedule would have brought


def matches(incident: dict[str, Any], truth: dict[str, Any]) -> None:
    assert incident["failure_class"] == truth["failure_class"]
    assert (incident["namespace"], incident["root_asset"]) == tuple(truth["root_asset"].values())
    allowed = {truth["action"]} | ({"patch_code"} if truth["fault"] == "missing-ref" else set())
    assert incident["proposals"][-1]["action"] in allowed


@pytest.mark.live
@pytest.mark.parametrize("fault", HEALED_BY_MACHINE)
def test_a_fault_is_found_signed_healed_and_taken_back(stand: Stand, fault: str) -> None:
    incident, _ = stand.break_it(fault)
    matches(incident, stand.truth())
    proposal = stand.proposal(incident["proposals"][-1]["id"])
    assert proposal["report"]["green"], proposal["report"]
    broken = stand.state()
    assert stand.approve(proposal["id"]).status_code == 201
    done = stand.settled(proposal["id"], "done", "failed", "undone", "superseded")
    assert done["status"] == "done", done
    good = known_good.known_good(stand.lakehouse, fault)
    assert {key: value for key, value in stand.state().items() if key in good} == good
    assert stand.incident(incident["number"])["status"] == "resolved"
    if fault not in NOT_UNDONE:
        answer = stand.api("second_approver", f"executions/{done['execution']['id']}/undo", why="the story goes on")
        assert answer.status_code == 202, answer.text
        stand.settled(proposal["id"], "undone")
        assert stand.state() == broken


@pytest.mark.live
def test_a_right_that_is_missing_is_asked_of_its_owner_and_nothing_is_changed(stand: Stand) -> None:
    incident, _ = stand.break_it("permission-revoked")
    matches(incident, stand.truth())
    before = stand.state()
    proposal = stand.proposal(incident["proposals"][-1]["id"])
    ask = next(step for step in proposal["plan"]["steps"] if step["kind"] == "ask")
    assert ask["params"]["to"]["email"]
    assert f"GRANT SELECT ON {stand.truth()['root_asset']['name']}" in ask["params"]["message"].replace('"', "")
    assert stand.approve(proposal["id"]).status_code == 201
    stand.settled(proposal["id"], "done")
    assert stand.incident(incident["number"])["status"] == "waiting_on_person"
    assert stand.state() == before


@pytest.mark.live
def test_two_more_healthy_days_open_nothing(stand: Stand) -> None:
    before = len(stand.incidents())
    for _ in range(2):
        assert "all jobs succeeded; dbt built everything" in stand.demo("run")
    wait(lambda: True if drained(stand) else None, 60, "the events to be drained", lambda: "")
    assert len(stand.incidents()) == before


def drained(stand: Stand) -> bool:
    script = "from incidents.models import Event; print(Event.objects.filter(drained_at=None).count())"
    return stand.manage("shell", "-v0", "-c", script).strip().endswith("0")
