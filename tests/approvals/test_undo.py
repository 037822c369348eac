from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from app.core.audit import Actor
from app.core.errors import Blocked, Expired, NotAllowed, Stale
from app.core.models import AuditRecord
from approvals import kill_switch
from approvals.execute import execute
from approvals.models import Execution, Proposal
from approvals.undo import ask_undo, undo
from approvals.validate import validate
from tests.approvals.light import API, STORY, Light, approve, proposal


@pytest.fixture
def fixed(world: Light, approver: Any) -> Execution:
    """A published and validated fix."""
    made = proposal(world, STORY)
    approve(made, approver)
    execute(Proposal.objects.get(pk=made.pk))
    validate(Proposal.objects.get(pk=made.pk))
    return made.executions.get(direction="forward")


def _ask(execution: Execution, by: Any, **session: Any) -> Execution:
    return ask_undo(execution, by=by, actor=Actor.of(by, session), source=API)


def test_one_click_puts_back_the_bytes_that_were_there_before(world: Light, approver: Any) -> None:
    before, tree = world.rows(), world.code.git.text("rev-parse", "main^{tree}")
    made = proposal(world, STORY)
    approve(made, approver)
    execute(Proposal.objects.get(pk=made.pk))
    validate(Proposal.objects.get(pk=made.pk))
    row = _ask(made.executions.get(), approver)
    undo(row)
    assert world.rows() == before
    assert world.code.git.text("rev-parse", "main^{tree}") == tree
    made.refresh_from_db()
    row.refresh_from_db()
    assert (row.outcome, made.status, made.incident.status) == ("done", "undone", "escalated")


def test_it_happens_once_however_often_it_is_asked_and_carried_out(
    world: Light, fixed: Execution, approver: Any
) -> None:
    row = _ask(fixed, approver)
    assert _ask(fixed, approver).pk == row.pk
    undo(row)
    counts = (world.snapshots(), world.commits())
    Execution.objects.filter(pk=row.pk).update(finished_at=None, outcome="")
    row.steps.update(status="running", receipt=None)
    undo(Execution.objects.get(pk=row.pk))
    assert (world.snapshots(), world.commits()) == counts
    assert AuditRecord.objects.filter(event="undo.asked").count() == 1


def test_it_is_refused_when_a_later_write_depends_on_the_fix(world: Light, fixed: Execution, approver: Any) -> None:
    world.move_lake()
    rows = world.rows()
    with pytest.raises(Stale, match=r"raw\.orders"):
        _ask(fixed, approver)
    assert world.rows() == rows
    assert AuditRecord.objects.get(event="undo.denied").outcome == "denied"


def test_a_write_between_the_click_and_the_worker_leaves_nothing_half_undone(
    world: Light, fixed: Execution, approver: Any
) -> None:
    row = _ask(fixed, approver)
    world.move_lake()
    commits = world.commits()
    undo(row)
    row.refresh_from_db()
    assert (row.outcome, world.commits(), row.proposal.status) == ("failed", commits, "done")
    assert AuditRecord.objects.get(event="undo.denied").error_code == "BaseMoved"


@pytest.mark.parametrize("who", ["viewer", "operator", "auditor", "administrator", "outsider"])
def test_only_an_approver_undoes(fixed: Execution, request: pytest.FixtureRequest, who: str) -> None:
    with pytest.raises(NotAllowed):
        _ask(fixed, request.getfixturevalue(who))


def test_a_token_without_the_scope_a_late_click_and_the_kill_switch_are_refused(
    world: Light, fixed: Execution, approver: Any, operator: Any
) -> None:
    with pytest.raises(NotAllowed, match="scope"):
        _ask(fixed, approver, scopes=["read"])
    kill_switch.press("all", by=operator, actor=Actor.of(operator), source=API)
    with pytest.raises(Blocked):
        _ask(fixed, approver)
    Execution.objects.update(finished_at=Now() - timedelta(hours=25))
    with pytest.raises(Expired):
        _ask(fixed, approver)
    assert AuditRecord.objects.filter(event="undo.denied").count() == 3
