"""A worker that slept ends nothing, an effect that landed is not forgotten, and an undo needs who asked for it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.db.models import F

from app.core.audit import Actor
from app.core.errors import LostRace, NotAllowed
from app.core.lease import MAX_ATTEMPTS
from app.core.models import AuditRecord
from approvals import deadlines
from approvals.execute import execute
from approvals.models import Execution, Proposal
from approvals.steps.publish import Publish
from approvals.steps.work import Done, Job
from approvals.stop import stop
from approvals.undo import ask_undo, undo
from approvals.validate import validate
from integrations.errors import BaseMoved, Unreachable
from tests.approvals.light import API, CHANGED_CODE, STORY, Light, approve, proposal


def _fixed(made: Proposal) -> Execution:
    execute(Proposal.objects.get(pk=made.pk))
    validate(Proposal.objects.get(pk=made.pk))
    return made.executions.get(direction="forward")


def _ask(execution: Execution, by: Any, **session: Any) -> Execution:
    return ask_undo(execution, by=by, actor=Actor.of(by, session), source=API)


def test_a_worker_that_was_taken_over_does_not_stop_what_another_carries_out(
    world: Light, approver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slept(self: Publish, job: Job) -> Done:
        Execution.objects.update(epoch=F("epoch") + 1)  # another worker took it meanwhile
        raise BaseMoved("It was published by somebody else.")

    monkeypatch.setattr(Publish, "act", slept)
    made = proposal(world, (CHANGED_CODE,))
    approve(made, approver)
    with pytest.raises(LostRace):
        execute(Proposal.objects.get(pk=made.pk))
    made.refresh_from_db()
    assert (made.status, made.executions.get().finished_at) == ("executing", None)


def test_what_ended_already_is_not_stopped(world: Light, approver: Any) -> None:
    made = proposal(world, (CHANGED_CODE,))
    approve(made, approver)
    execution = _fixed(made)
    with pytest.raises(LostRace):
        stop(made, execution, "void", "Too late.")
    made.refresh_from_db()
    assert (made.status, made.executions.get().outcome) == ("done", "done")


def test_a_publish_that_landed_while_its_answer_was_lost_is_found_and_taken_back_in_the_end(
    world: Light, approver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    act, tree = Publish.act, world.code.git.text("rev-parse", "main^{tree}")

    def answer_lost(self: Publish, job: Job) -> Done:
        act(self, job)
        raise Unreachable("The answer was lost.")

    monkeypatch.setattr(Publish, "act", answer_lost)
    made = proposal(world, (CHANGED_CODE,))
    approve(made, approver)
    Execution.objects.update(attempts=MAX_ATTEMPTS - 1)
    execute(Proposal.objects.get(pk=made.pk))
    execution = made.executions.get(direction="forward")
    assert (execution.outcome, execution.steps.get().status) == ("failed", "done")
    undo(made.executions.get(direction="undo"))
    made.refresh_from_db()
    assert made.status == "undone"
    assert world.code.git.text("rev-parse", "main^{tree}") == tree


def test_a_start_just_in_time_is_not_ended_as_too_late(world: Light, approver: Any) -> None:
    made = proposal(world, (CHANGED_CODE,))
    approve(made, approver)
    seen = Proposal.objects.get(pk=made.pk)
    Proposal.objects.filter(pk=made.pk).update(status="executing")
    with transaction.atomic():
        deadlines._too_late(seen)
    assert made.executions.get().finished_at is None


@pytest.mark.parametrize("loss", [{"roles": ["viewer"]}, {"is_active": False}])
def test_an_undo_whose_asker_may_not_any_more_is_not_carried_out(
    world: Light, approver: Any, loss: dict[str, Any]
) -> None:
    made = proposal(world, STORY)
    approve(made, approver)
    row, commits = _ask(_fixed(made), approver), world.commits()
    type(approver).objects.filter(pk=approver.pk).update(**loss)
    undo(Execution.objects.get(pk=row.pk))
    row.refresh_from_db()
    assert (row.outcome, world.commits()) == ("failed", commits)
    assert AuditRecord.objects.get(event="undo.denied").error_code == "Refused"


def test_an_undo_over_a_plan_that_was_altered_is_refused(world: Light, approver: Any) -> None:
    made = proposal(world, (CHANGED_CODE,))
    approve(made, approver)
    row, commits = _ask(_fixed(made), approver), world.commits()
    Proposal.objects.filter(pk=made.pk).update(plan={})
    undo(Execution.objects.get(pk=row.pk))
    row.refresh_from_db()
    assert (row.outcome, world.commits()) == ("failed", commits)


def test_high_risk_is_never_undone_by_token(world: Light, approver: Any) -> None:
    made = proposal(world, (CHANGED_CODE,))
    approve(made, approver)
    execution = _fixed(made)
    Proposal.objects.filter(pk=made.pk).update(risk="high")
    with pytest.raises(NotAllowed, match="High risk"):
        _ask(execution, approver, scopes=["decide"])
