from __future__ import annotations

from typing import Any

import pytest

from app.core.models import AuditRecord
from approvals.execute import execute
from approvals.models import Execution, Proposal
from approvals.steps.publish import Publish as Carried
from approvals.steps.work import Done, Job
from approvals.undo import undo
from approvals.validate import validate
from tests.approvals.light import CHANGED_CODE, DATA, RERUN, ROWS, STORY, Light, approve, proposal


def _through(made: Proposal, by: Any) -> Proposal:
    approve(made, by)
    execute(Proposal.objects.get(pk=made.pk))
    validate(Proposal.objects.get(pk=made.pk))
    made.refresh_from_db()
    return made


def _move_first(world: Light, lookup: Any, publish: Carried, job: Job) -> Done | None:
    """Somebody else writes to the lake, once, while we are between two steps."""
    if job.step.connection == "lake" and len(world.rows()) == ROWS:
        world.move_lake()
    found: Done | None = lookup(publish, job)
    return found


def _take_back() -> Execution:
    row = Execution.objects.get(direction="undo")
    undo(row)
    row.refresh_from_db()
    return row


def test_a_green_production_resolves_the_incident_and_two_runs_are_followed(world: Light, approver: Any) -> None:
    made = _through(proposal(world, STORY), approver)
    incident = made.incident
    assert (made.status, incident.status, incident.resolution) == ("done", "resolved", "fixed")
    assert incident.follow_up_left == 2
    checks = {check["name"]: check["ok"] for check in made.executions.get().validation["checks"]}
    assert checks["rerun"] is True
    assert checks["opener"] is True


def test_a_red_rerun_takes_the_publish_back_when_the_plan_says_undo(world: Light, approver: Any) -> None:
    before, tree = world.rows(), world.code.git.text("rev-parse", "main^{tree}")
    world.turn_red()
    made = _through(proposal(world, STORY, on_red="undo"), approver)
    assert (made.status, made.incident.status) == ("failed", "escalated")
    row = _take_back()
    made.refresh_from_db()
    assert (row.outcome, made.status, made.incident.status) == ("done", "undone", "escalated")
    assert world.rows() == before
    assert world.code.git.text("rev-parse", "main^{tree}") == tree


def test_a_red_rerun_is_left_for_people_when_the_plan_says_stop(world: Light, approver: Any) -> None:
    world.turn_red()
    made = _through(proposal(world, (CHANGED_CODE, RERUN), on_red="stop"), approver)
    assert (made.status, made.incident.status, world.commits()) == ("failed", "escalated", 2)
    assert "red" in made.status_reason
    assert not Execution.objects.filter(direction="undo").exists()


def test_a_publish_that_production_refuses_takes_back_the_one_before_it(
    world: Light, approver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = proposal(world, (CHANGED_CODE, DATA))
    approve(made, approver)
    kept = Carried.lookup
    monkeypatch.setattr(Carried, "lookup", lambda self, job: _move_first(world, kept, self, job))
    execute(Proposal.objects.get(pk=made.pk))
    made.refresh_from_db()
    assert (made.status, made.incident.status) == ("failed", "escalated")
    assert _take_back().outcome == "done"
    assert len(world.rows()) == ROWS + 1
    assert AuditRecord.objects.filter(event="proposal.undone").count() == 1


def test_validation_is_done_by_one_worker_and_found_done_by_the_next(world: Light, approver: Any) -> None:
    made = _through(proposal(world, (DATA, RERUN)), approver)
    assert made.status == "done"
    assert AuditRecord.objects.filter(event="incident.resolved").count() == 1
