"""The three tacit stories on a running installation: each ends in another way when its note is taken away."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from approvals.remedies.retry import UNKNOWN
from integrations.demo import cluster, known_good
from tests.scenarios.stand import DECIDABLE_S, Stand, wait

pytestmark = pytest.mark.live
ECHO_S = 30  # until what is built from the table was looked at, too


def known(stand: Stand, fault: str, noted: bool) -> None:
    stand.demo("note" if noted else "forget", fault)


def broken(stand: Stand, fault: str) -> dict[str, Any]:
    """The incident of a fault, new or open again, once nobody works on it any more: decidable, with people, or over."""
    before = {one["number"]: one["status"] for one in stand.incidents()}
    stand.demo("break", fault)
    root = stand.truth()["root_asset"]["name"]
    settled = {"awaiting_decision", "waiting_on_person", "escalated", "watching", "resolved"}

    def found() -> dict[str, Any] | None:
        near = [one for one in stand.incidents() if one["root_asset"] == root]
        fresh = [one for one in near if before.get(one["number"]) != one["status"]]
        ready = [one for one in fresh if one["status"] in settled]
        return stand.incident(min(one["number"] for one in ready)) if ready and len(ready) == len(fresh) else None

    return dict(wait(found, DECIDABLE_S, f"{fault}: an incident", stand.incidents))


def test_the_retry_waits_for_the_window_of_the_note_and_heals_in_it(stand: Stand) -> None:
    known(stand, "retry-window", True)
    incident = broken(stand, "retry-window")
    proposal = stand.proposal(incident["proposals"][-1]["id"])
    assert (incident["failure_class"], proposal["action"]) == ("transient", "retry_later")
    assert " says: Retry inside " in proposal["plan"]["why"]
    window = {name: datetime.fromisoformat(at) for name, at in proposal["plan"]["window"].items()}
    assert timedelta(0) < window["not_after"] - window["not_before"] <= timedelta(minutes=25)
    assert next(step["params"]["attempts"] for step in proposal["plan"]["steps"] if step["kind"] == "rerun") == 1
    assert stand.approve(proposal["id"]).status_code == 201
    done = stand.settled(proposal["id"], "done", "failed", "superseded")
    assert done["status"] == "done", done
    assert stand.incident(incident["number"])["status"] == "resolved"
    good = known_good.known_good(stand.lakehouse, "retry-window")
    assert {key: value for key, value in stand.state().items() if key in good} == good


def test_without_its_note_nobody_knows_when_to_retry(stand: Stand) -> None:
    known(stand, "retry-window", False)
    incident = broken(stand, "retry-window")
    plan = stand.proposal(incident["proposals"][-1]["id"])["plan"]
    assert plan["action"] in ("retry", "retry_later")
    assert UNKNOWN in plan["why"]
    assert "Retry inside" not in plan["why"]


def test_the_jump_that_a_note_expects_closes_by_itself(stand: Stand) -> None:
    known(stand, "expected-jump", True)
    incident = broken(stand, "expected-jump")
    assert (incident["status"], incident["resolution"], incident["proposals"]) == ("resolved", "expected", [])
    assert any(cite.startswith("K") for claim in incident["diagnosis"]["claims"] for cite in claim["cites"])
    assert "on purpose" in incident["diagnosis"]["root_cause"]
    time.sleep(ECHO_S)
    assert [one for one in stand.incidents() if one["status"] not in ("resolved", "escalated")] == []
    assert [one["resolution"] for one in stand.incidents() if "stg_rates" in one["root_asset"]] in ([], ["expected"])


def test_without_its_note_the_same_jump_is_for_people(stand: Stand) -> None:
    known(stand, "expected-jump", False)
    incident = broken(stand, "expected-jump")
    assert (incident["failure_class"], incident["status"], incident["resolution"]) == ("data", "escalated", "")


def test_with_the_header_of_the_note_the_cluster_is_read_and_the_job_runs_again_once(stand: Stand) -> None:
    known(stand, "key-header", True)
    state, key = stand.lakehouse.cluster_state, stand.lakehouse.cluster_key
    before = len(cluster.ledger(state))
    incident = broken(stand, "key-header")
    assert (incident["failure_class"], incident["subtype"]) == ("infrastructure", "worker_lost")
    assert any(
        cluster.HEADER in claim["text"] and claim["cites"][0] == "K1" for claim in incident["diagnosis"]["claims"]
    )
    proposal = stand.proposal(incident["proposals"][-1]["id"])
    assert proposal["report"]["green"], proposal["report"]
    assert stand.approve(proposal["id"]).status_code == 201
    assert stand.settled(proposal["id"], "done", "failed", "superseded")["status"] == "done"
    assert stand.incident(incident["number"])["status"] == "resolved"
    assert len(cluster.ledger(state)) == before + 1
    shown = [stand.api("viewer", f"incidents/{incident['number']}").text, str(stand.proposal(proposal["id"]))]
    logs = [path.read_text(errors="replace") for path in stand.data.rglob("*.log")]
    assert logs and key not in "".join([*shown, *logs])


def test_without_its_note_the_cluster_stays_shut_and_the_diagnosis_says_whom_to_ask(stand: Stand) -> None:
    known(stand, "key-header", False)
    before = len(cluster.ledger(stand.lakehouse.cluster_state))
    incident = broken(stand, "key-header")
    assert incident["status"] == "escalated"
    assert "answered 401" in incident["diagnosis"]["root_cause"]
    assert "Ask Platform Finance <platform-finance@shop.example>" in incident["diagnosis"]["root_cause"]
    assert len(cluster.ledger(stand.lakehouse.cluster_state)) == before
