from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from app.core.audit import Actor
from app.core.lease import MAX_ATTEMPTS, lease
from app.core.models import AuditRecord
from approvals import kill_switch
from approvals.execute import execute
from approvals.models import Execution, Message, Proposal, Report, Request
from approvals.steps.publish import Publish
from approvals.steps.work import Done, Job
from incidents.models import Event
from integrations.errors import Unreachable
from tests.approvals.light import API, BAD, CHANGED_CODE, DATA, RERUN, ROWS, STORY, Light, approve, proposal


def _run(made: Proposal) -> Execution:
    execute(Proposal.objects.get(pk=made.pk))
    made.refresh_from_db()
    return made.executions.get(direction="forward")


def _events(*names: str) -> list[str]:
    return list(AuditRecord.objects.filter(event__in=names).order_by("pk").values_list("event", flat=True))


def test_a_signed_plan_is_published_and_run_once_with_intent_and_outcome_of_each_step(
    world: Light, approver: Any
) -> None:
    made = proposal(world, STORY)
    approve(made, approver)
    execution = _run(made)
    assert (made.status, made.incident.status, execution.outcome) == ("validating", "validating", "done")
    assert len(world.rows()) == ROWS - BAD
    assert (world.commits(), len(world.ran())) == (2, 1)
    assert _events("execution.intent", "execution.receipt") == ["execution.intent", "execution.receipt"] * 3
    assert [row.key for row in execution.steps.all()] == [
        f"cs-{made.pk}-{made.fingerprint[:12]}-{n}" for n in (1, 2, 3)
    ]
    assert Event.objects.filter(kind="run", connection__name="jobs").count() == 1
    _run(made)
    assert (world.commits(), len(world.ran())) == (2, 1)


def test_what_an_earlier_worker_did_is_found_at_the_target_and_not_done_again(world: Light, approver: Any) -> None:
    made = proposal(world, STORY)
    approve(made, approver)
    _run(made)
    Proposal.objects.filter(pk=made.pk).update(status="executing")
    Execution.objects.update(finished_at=None, outcome="")
    for execution in Execution.objects.all():
        execution.steps.update(status="running", receipt=None, finished_at=None)
    before = (world.snapshots(), world.commits(), world.ran())
    execution = _run(made)
    assert (world.snapshots(), world.commits(), world.ran()) == before
    assert [row.status for row in execution.steps.all()] == ["done"] * 3


def test_while_another_worker_holds_it_nobody_else_starts(world: Light, approver: Any) -> None:
    made = proposal(world, (CHANGED_CODE,))
    execution = approve(made, approver)
    with lease(execution), pytest.raises(Exception, match="held by another worker"):
        _run(made)
    assert world.commits() == 1


def _disable(made: Proposal, by: Any) -> None:
    type(by).objects.filter(pk=by.pk).update(is_active=False)


def _demote(made: Proposal, by: Any) -> None:
    type(by).objects.filter(pk=by.pk).update(roles=["viewer"])


def _delay(made: Proposal, by: Any) -> None:
    Proposal.objects.filter(pk=made.pk).update(start_by=Now() - timedelta(seconds=1))


def _alter_plan(made: Proposal, by: Any) -> None:
    Proposal.objects.filter(pk=made.pk).update(plan={**made.plan, "on_red": "stop"})


def _alter_report(made: Proposal, by: Any) -> None:
    Report.objects.filter(proposal=made).update(not_checked=["nothing"])


def _alter_expiry(made: Proposal, by: Any) -> None:
    Proposal.objects.filter(pk=made.pk).update(expires_at=Now() + timedelta(days=9))


def _rebind(made: Proposal, by: Any) -> None:
    made.bound["caps"] = {"rows": 1}
    Proposal.objects.filter(pk=made.pk).update(bound=made.bound)


def _withdraw(made: Proposal, by: Any) -> None:
    made.decisions.update(withdrawn_at=Now())


CHANGES = [
    (_disable, "person"),
    (_demote, "person"),
    (_withdraw, "person"),
    (_delay, "start_by"),
    (_alter_plan, "plan"),
    (_alter_report, "report"),
    (_alter_expiry, "expires_at"),
    (_rebind, "caps"),
]


@pytest.mark.parametrize(("change", "field"), CHANGES, ids=[change.__name__ for change, _ in CHANGES])
def test_a_change_after_the_signature_voids_it_before_any_effect_and_names_the_field(
    world: Light, approver: Any, change: Any, field: str
) -> None:
    made = proposal(world, (CHANGED_CODE,))
    approve(made, approver)
    change(made, approver)
    execution = _run(made)
    assert world.commits() == 1
    assert (execution.outcome, made.status, made.incident.status) == ("void", "superseded", "escalated")
    assert AuditRecord.objects.get(event="execution.void").detail == {"field": field}


def test_production_that_moved_after_the_signature_supersedes_it(world: Light, approver: Any) -> None:
    made = proposal(world, (DATA, RERUN))
    approve(made, approver)
    world.move_lake()
    execution = _run(made)
    assert (execution.outcome, made.status, made.incident.status) == ("void", "superseded", "escalated")
    assert AuditRecord.objects.get(event="execution.void").detail == {"field": "base"}
    assert (len(world.rows()), world.ran()) == (ROWS + 1, [])


def test_the_kill_switch_holds_it_until_a_second_person_lifts_it(
    world: Light, approver: Any, second_approver: Any
) -> None:
    made = proposal(world, (CHANGED_CODE,))
    approve(made, approver)
    switch = kill_switch.press("connection:code", by=approver, actor=Actor.of(approver), source=API)
    _run(made)
    assert (made.status, world.commits()) == ("approved", 1)
    kill_switch.lift(switch, by=second_approver, actor=Actor.of(second_approver), source=API)
    _run(made)
    assert (made.status, world.commits()) == ("validating", 2)


def test_a_target_that_stays_away_is_tried_five_times_and_then_people_are_called(
    world: Light, approver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(self: Publish, job: Job) -> Done:
        raise Unreachable("It is away.")

    monkeypatch.setattr(Publish, "act", away)
    made = proposal(world, (CHANGED_CODE,))
    approve(made, approver)
    for _ in range(MAX_ATTEMPTS - 1):
        with pytest.raises(Unreachable):
            _run(made)
    execution = _run(made)
    assert (execution.outcome, made.status, made.incident.status) == ("failed", "failed", "escalated")


def test_a_request_is_sent_once_and_the_incident_waits_for_the_person(world: Light, approver: Any) -> None:
    made = proposal(world, (("ask", ""),), owner={"name": "Ada", "email": "ada@example.com"})
    approve(made, approver)
    execution = _run(made)
    assert (made.status, made.incident.status, execution.outcome) == ("done", "waiting_on_person", "done")
    assert Request.objects.get().to_name == "Ada"
    assert Message.objects.get().to == "ada@example.com"
