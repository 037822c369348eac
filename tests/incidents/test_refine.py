"""What a good model adds; and whatever a bad one does, the diagnosis of the rules stands."""

from __future__ import annotations

from typing import Any

import pytest

from approvals.propose import propose
from incidents.agent import sandbox
from incidents.agent.records import AgentSession, ModelCall
from incidents.diagnose import diagnose
from incidents.models import Evidence, Incident, ToolCall
from incidents.verdict import Verdict
from tests.incidents.agent_world import GOOD, READ, asked, gateway_port, incident, looked, ruled
from tests.model_server import Said, Script, calls, text

__all__ = ["gateway_port", "incident"]
PATCH = "--- a/models/orders.sql\n+++ b/models/orders.sql\n@@ -1 +1 @@\n-select amont from x\n+select amount from x\n"


def turns(*said: Any) -> Script:
    """One after the other; the last one again and again."""
    return lambda asked, number: said[min(number, len(said)) - 1]


def test_a_conclusion_from_what_was_read_stands_where_the_rules_have_none(incident: Incident, settings: Any) -> None:
    read = calls(("evidence", {"label": "E1"}), ("read_file", {"path": "models/orders.sql"}))

    def script(asked: Said, number: int) -> Said:
        if number == 1:
            return read
        reading = next(m["content"] for m in asked["messages"] if '"R' in str(m.get("content")))
        label = reading.split('"cite": "')[1].split('"')[0]
        claims = [*GOOD["claims"], {"text": "The file has it", "cites": [label]}, {"text": "A lie", "cites": ["E9"]}]
        return calls(("conclude", {**GOOD, "claims": claims, "patch": PATCH}))

    with asked(settings, script) as server:
        opinion, case = looked(incident)
    session = AgentSession.objects.get()
    assert (session.outcome, session.kept, session.dropped, session.sandbox) == ("concluded", 2, 1, "off")
    verdict = opinion.verdict
    assert verdict and (verdict.failure_class, verdict.subtype, verdict.confidence) == ("code", "binder", 0.6)
    assert verdict.root_cause == f"The model says: {GOOD['root_cause']}"  # wherever it is shown: inbox, trail, lessons
    assert [one["cites"] for one in verdict.claims] == [["E1"], ["E2"]] and verdict.claims[0]["by"] == "model"
    assert case.dossier.items[1].kind == "reading" and "amont" in case.dossier.items[1].body["text"]
    assert "+select amount from x" in verdict.facts["draft"]
    assert opinion.producer("rules 1") == "rules 1 and openai:m, without a sandbox"
    assert [step.kind for step in session.steps.all()] == ["told", "said", "asked", "read", "asked", "read", "said"]
    assert "E1 (log, system): The log" in session.steps.all()[0].text
    assert len(server.heard) == ModelCall.objects.filter(state="ok").count() == 2


def test_it_adds_to_what_the_rules_say_and_cannot_overrule_them(incident: Incident, settings: Any) -> None:
    with asked(settings, turns(READ, calls(("conclude", GOOD)))):
        agreed, _ = looked(incident, ruled())
        assert agreed.session and agreed.session.outcome == "agreed"
        assert agreed.verdict and [one.get("by") for one in agreed.verdict.claims] == [None, "model"]
        assert agreed.verdict.root_cause == "The rules say so."
    AgentSession.objects.all().delete()
    with asked(settings, turns(READ, calls(("conclude", GOOD)))):
        dissent, _ = looked(incident, ruled("data"))
    assert dissent.session and dissent.session.outcome == "dissented"
    assert dissent.verdict and (dissent.verdict.failure_class, len(dissent.verdict.claims)) == ("data", 1)
    assert dissent.verdict.alternatives[-1]["by"] == "model"


def test_a_whole_diagnosis_behind_walls_names_the_model_and_leads_to_its_draft(
    incident: Incident, settings: Any
) -> None:
    answer = {**GOOD, "patch": PATCH}
    with asked(settings, turns(READ, calls(("conclude", answer))), sandbox="bubblewrap"):
        made = diagnose(incident)
    session = AgentSession.objects.get()
    assert made and session.diagnosis_id == made.pk and session.sandbox == "bubblewrap", session.reason
    assert session.outcome in {"agreed", "concluded"} and made.produced_by == "rules 1 and openai:m"
    assert made.failure_class == "code" and "+select amount" in made.facts["draft"]
    incident.refresh_from_db()
    assert incident.status == "proposing"
    proposal = propose(incident)
    assert proposal and (proposal.action, proposal.proposer["name"]) == ("patch_code", "openai:m")


LOOP = calls(("changes", {}))
NOISE = calls(("evidence", "{not json"))


def said(**answer: Any) -> Script:
    return turns(READ, calls(("conclude", {**GOOD, **answer})))


HALF = [{"text": "x", "cites": ["E1", "K7"]}]
FAULTS = {
    "broken JSON": (turns(b"{not json"), "failed", "not JSON"),
    "broken arguments": (turns(NOISE), "failed", "no typed answer"),
    "a lie without evidence": (turns(calls(("conclude", GOOD))), "nothing", "None of its claims cites what it read"),
    "a lie in half": (said(claims=HALF), "nothing", "None of its claims cites what it read"),
    "a refusal": (turns(text("I cannot help with that.")), "failed", "no typed answer"),
    "a loop": (turns(LOOP), "failed", "again and again"),
    "never an end": (lambda asked, number: calls(("changes", {"limit": number})), "failed", "within 4 calls"),
    "429": (turns(429), "failed", "answered 429"),
    "another shape": (said(confidence="high"), "failed", "another shape"),
    "another class": (said(failure_class="approve"), "failed", "no failure class"),
    "it does not know": (said(failure_class="inconclusive"), "nothing", "not decide"),
    "late": (turns(30.0), "failed", "not done in time"),
    "nonsense": (turns({"choices": "no"}), "failed", ""),
    "nothing": (turns({}), "failed", ""),
}


@pytest.mark.parametrize(
    ("fault", "verdict"), [*((fault, ruled()) for fault in FAULTS), ("a lie without evidence", None), ("429", None)]
)
def test_the_rules_stand_whatever_the_model_does(
    incident: Incident, settings: Any, fault: str, verdict: Verdict | None
) -> None:
    script, outcome, why = FAULTS[fault]
    with asked(settings, script, calls=4, seconds=8 if fault == "late" else 60):
        opinion, _ = looked(incident, verdict)
    session = AgentSession.objects.get()
    assert opinion.verdict == verdict and opinion.producer("rules 1") == "rules 1"
    assert session.outcome == outcome and why in session.reason and session.reason


def test_a_bound_that_is_reached_ends_it_with_the_bound_as_the_reason(incident: Incident, settings: Any) -> None:
    with asked(settings, turns(LOOP), calls=1):
        opinion, _ = looked(incident, ruled())
    assert opinion.session and opinion.session.outcome == "failed" and "1 calls" in opinion.session.reason


def test_without_a_model_nothing_is_asked_or_kept(incident: Incident) -> None:
    opinion, _ = looked(incident, ruled())
    assert opinion.session is None and not AgentSession.objects.exists() and not Evidence.objects.exists()


def test_floor_cool_down_and_weak_walls_are_reasons(incident: Incident, settings: Any, monkeypatch: Any) -> None:
    with asked(settings, turns(READ, calls(("conclude", GOOD))), floor="critical") as server:
        low, _ = looked(incident)
        assert low.session and "from severity critical" in low.session.reason
    with asked(settings, turns(READ, calls(("conclude", GOOD))), floor="low"):
        looked(incident)
        again, _ = looked(incident)
        assert again.session and "less than 30 minutes ago" in again.session.reason
        settings.SANDBOX = "bubblewrap"
        monkeypatch.setattr(sandbox, "_refusal", lambda: "The sandbox is weak here.")
        weak, _ = looked(incident)
        assert weak.session and (weak.session.outcome, weak.session.reason) == ("skipped", "The sandbox is weak here.")
    assert server.heard == [] and ToolCall.objects.count() == 1


def test_an_answer_within_an_answer_leaves_the_rules_standing(incident: Incident, settings: Any) -> None:
    deep: Any = "x"
    for _ in range(700):
        deep = [deep]
    with asked(settings, turns(READ, calls(("conclude", {**GOOD, "more": deep})))):
        opinion, _ = looked(incident, ruled())
    assert opinion.verdict and opinion.verdict.root_cause == "The rules say so."
    assert opinion.session and opinion.session.outcome == "failed" and opinion.session.reason
