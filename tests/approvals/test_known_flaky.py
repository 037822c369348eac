"""What a note knows to be flaky is run again first, and only where running again can heal it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from app.core.audit import Actor
from app.core.models import User
from approvals.models import Execution, Proposal
from approvals.plan import Plan
from approvals.propose import database_now, propose
from approvals.remedies import REMEDIES, remedies_for
from approvals.remedies.case import Case, NoPlan
from incidents.models import Diagnosis, Incident
from integrations.values import Json
from knowledge.archive import archive
from knowledge.hints import Hint, KnownFlaky, RetryWindow
from knowledge.models import Entry
from knowledge.write import Content, create
from tests import factories
from tests.approvals.light import JOBS, LAKE, Light

FLAKY = KnownFlaky("The node comes back from its nightly restart.", retries=3)


def note(by: User, *hints: Hint) -> Entry:
    content = Content("runbook", "The build is flaky", 'asset = build and error ~ "preempted"', "", hints)
    return create(content, by=by, actor=Actor.of(by), source="web")


def incident(subtype: str, *notes: Entry, **facts: Any) -> Incident:
    made = factories.incident(status="proposing", root_asset=factories.asset("raw.orders", LAKE), subtype=subtype)
    factories.asset("build", JOBS, kind="job")
    hints = [
        {"cite": f"K{at}", "entry": one.pk, "version": one.version, "title": one.title, "hint": hint}
        for at, one in enumerate(notes, 1)
        for hint in one.hints
    ]
    told: Json = {"job": {"namespace": JOBS, "name": "build"}, "runner": "jobs", "run_id": "7", "hints": hints}
    Diagnosis.objects.create(
        incident=made, root_cause="So.", confidence=0.6, subtype=subtype, facts={"subtype": subtype, **told, **facts}
    )
    return made


def first(made: Incident) -> tuple[str, Plan]:
    case = Case(made, made.diagnoses.get().facts, database_now())
    action, build = remedies_for(made.subtype, case)[0]
    return action, build(case)


def test_the_usual_recovery_is_proposed_with_its_note_and_waits_for_a_signature(world: Light, operator: User) -> None:
    made = propose(incident("interrupted", note(operator, FLAKY)))
    assert made is not None and (made.action, made.status) == ("retry", "drafted")
    plan = Plan.from_json(made.plan)
    assert plan.why == (
        "K1 (version 1) says: Known to be flaky, after at most 3 retries: The node comes back from its nightly restart."
    )
    assert [step.params["attempts"] for step in plan.steps] == [3]
    assert Execution.objects.count() == 0 and float(Diagnosis.objects.get().confidence) == 0.6


@pytest.mark.parametrize("archived", [True, False])
def test_without_a_standing_note_nothing_of_the_kind_is_proposed(
    world: Light, administrator: User, archived: bool
) -> None:
    notes = [note(administrator, FLAKY)] if archived else []
    made = incident("interrupted", *notes)
    for one in notes:
        archive(one, by=administrator, actor=Actor.of(administrator), source="web")
    assert propose(made) is None
    made.refresh_from_db()
    assert made.status == "escalated"


@pytest.mark.parametrize("subtype", ["bad_commit", "duplicate_rows", "unknown_category", "permission_denied"])
def test_what_no_retry_heals_keeps_its_own_remedy(world: Light, operator: User, subtype: str) -> None:
    made = incident(subtype, note(operator, FLAKY))
    case = Case(made, made.diagnoses.get().facts, database_now())
    assert remedies_for(subtype, case) == [*REMEDIES.get(subtype, ())]


def test_a_lost_worker_is_not_run_beside_what_may_still_run(world: Light, operator: User) -> None:
    with pytest.raises(NoPlan, match="nothing is started beside it"):
        first(incident("worker_lost", note(operator, KnownFlaky("It comes back.", minutes=5))))


def test_when_it_is_back_is_what_the_service_says_else_what_the_note_says(world: Light, operator: User) -> None:
    known = note(operator, KnownFlaky("It comes back.", minutes=40))
    for facts, wait_s in (({}, 2400), ({"retry_after_s": 600}, 600)):
        action, plan = first(incident("service_unavailable", known, **facts))
        assert action == "retry_later" and plan.window is not None
        waits = datetime.fromisoformat(plan.window.not_before) - timezone.now()
        assert timedelta(seconds=wait_s - 60) < waits < timedelta(seconds=wait_s + 60)


def test_a_window_that_is_known_goes_before(world: Light, operator: User) -> None:
    window = RetryWindow("inside", "02:47", "03:12")
    _, plan = first(incident("interrupted", note(operator, window, FLAKY)))
    assert plan.why.startswith("K1 (version 1) says: Retry inside")


@pytest.mark.parametrize("hint", [FLAKY, RetryWindow("after", "00:00", "00:01", most_retries=1)])
def test_it_is_not_preferred_again_until_the_incident_comes_back(world: Light, operator: User, hint: Hint) -> None:
    made = incident("interrupted", note(operator, hint))
    tried = propose(made)
    assert tried is not None
    Execution.objects.create(proposal=tried, fingerprint="f" * 64, outcome="failed")
    Proposal.objects.filter(pk=tried.pk).update(status="done")
    made.status = "proposing"
    assert propose(made) is None
    Incident.objects.filter(pk=made.pk).update(status="proposing", reopened_at=database_now())
    again = propose(Incident.objects.get(pk=made.pk))
    assert again is not None and again.pk != tried.pk and again.action == tried.action
