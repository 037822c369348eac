"""The tacit stories with a model that looks at them too: they end as the notes say, and it never sees the key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from app.core.models import User
from approvals.plan import Plan
from approvals.propose import propose
from incidents.agent.records import AgentSession
from incidents.diagnose import diagnose
from incidents.models import Diagnosis, Incident
from integrations.demo import cluster
from tests.approvals.hours import clock, hours
from tests.approvals.stranded import KEY, stranded
from tests.approvals.test_tacit_window import note as window_note
from tests.gateway_fixture import gateway
from tests.incidents.agent_world import asked, gateway_port
from tests.incidents.test_tacit_jump import Rates
from tests.incidents.test_tacit_jump import note as jump_note
from tests.model_server import Said, Script, calls

__all__ = ["gateway", "gateway_port"]


@pytest.fixture
def world(transactional_db: None, gateway: None, gateway_port: int, settings: Any) -> Any:
    settings.GATEWAY_URL = f"http://127.0.0.1:{gateway_port}"  # where the model is; readings go in process
    return settings


def reads_all_and_says(failure_class: str, subtype: str) -> Script:
    """A model that reads every piece of evidence by its label, then concludes."""

    def script(question: Said, number: int) -> Said:
        if number == 1:
            labels = sorted(set(re.findall(r"\b([EK]\d{1,2}) \(", str(question["messages"]))))
            return calls(*(("evidence", {"label": label}) for label in labels))
        claims = [{"text": "It is as the evidence says", "cites": ["E1"]}]
        return calls(("conclude", {"failure_class": failure_class, "subtype": subtype, "root_cause": "As I read it.",
                                   "confidence": 0.9, "claims": claims}))  # fmt: skip

    return script


def looked_at() -> Diagnosis:
    """The diagnosis, to which the model came: it read K1 and concluded."""
    session = AgentSession.objects.get()
    assert session.outcome in ("agreed", "concluded", "differed", "disagreed"), (session.outcome, session.reason)
    return Diagnosis.objects.get()


def test_the_window_of_the_note_stands(world: Any, tmp_path: Path, operator: User) -> None:
    window_note(operator, clock(120), clock(145))
    with hours(tmp_path) as treasury, asked(world, reads_all_and_says("transient", "service_unavailable")) as model:
        treasury.fail()
        looked_at()
        assert "One retry is enough." in model.words
    made = propose(Incident.objects.get())
    assert made is not None and made.action == "retry_later"
    plan = Plan.from_json(made.plan)
    assert [step.params["attempts"] for step in plan.steps] == [1]
    assert " says: Retry inside" in plan.why


def test_the_expected_jump_is_closed_though_the_model_sees_a_defect(
    world: Any, tmp_path: Path, administrator: User
) -> None:
    rates = Rates(tmp_path)
    assert rates.look() == []
    jump_note(administrator)
    rates.add("1.1")
    assert rates.look() == ["total:usd_rate"]
    with asked(world, reads_all_and_says("code", "logic")):
        diagnose(Incident.objects.get())
    incident = Incident.objects.get()
    assert (incident.status, incident.resolution, incident.failure_class) == ("resolved", "expected", "data")


def test_the_model_reads_what_the_header_opened_and_never_the_key(
    world: Any, tmp_path: Path, administrator: User
) -> None:
    with stranded(tmp_path) as shop, asked(world, reads_all_and_says("infrastructure", "worker_lost")) as model:
        with cluster.changed(shop.state) as state:
            (name,) = state["pods"]
            state["logs"][name] += f"debug {KEY} sent\n"
        shop.note(administrator)
        made = shop.fail()
        looked_at()
        assert "NodeLost" in model.words and cluster.HEADER in model.words
        assert KEY not in model.words + str([made.claims, made.facts])
    assert made.subtype == "worker_lost"


def test_without_the_note_a_model_does_not_get_in_either(world: Any, tmp_path: Path) -> None:
    with stranded(tmp_path) as shop, asked(world, reads_all_and_says("infrastructure", "worker_lost")) as model:
        shop.fail()
        assert "NodeLost" not in model.words
    incident = Incident.objects.get()
    assert incident.status == "escalated" or propose(incident) is None
    assert cluster.ledger(shop.state) == []
