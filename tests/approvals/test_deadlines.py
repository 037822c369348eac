from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models.functions import Now

from app.core import audit
from app.core.lease import MAX_ATTEMPTS
from app.core.lifecycle import advance
from app.core.models import AuditRecord
from approvals.deadlines import deadlines
from approvals.execute import execute
from approvals.leftovers import drop_branches
from approvals.models import Execution, Message, Proposal, Request
from approvals.parking import park
from approvals.plan import Window
from approvals.sweep import sweep
from incidents.models import Incident
from incidents.resolve import resolve
from tests.approvals.light import CHANGED_CODE, RERUN, Light, approve, proposal

ASK = (("ask", ""),)
ADA = {"name": "Ada", "email": "ada@example.com"}


def _window(start_s: int, end_s: int) -> Window:
    now = datetime.now(UTC)
    return Window((now + timedelta(seconds=start_s)).isoformat(), (now + timedelta(seconds=end_s)).isoformat())


def _late(made: Proposal, **fields: Any) -> None:
    Proposal.objects.filter(pk=made.pk).update(**fields)


def test_an_unsigned_proposal_expires_and_its_incident_is_looked_at_afresh(world: Light) -> None:
    made = proposal(world, (CHANGED_CODE,))
    deadlines()
    made.refresh_from_db()
    assert made.status == "awaiting_decision"
    _late(made, expires_at=Now() - timedelta(seconds=1))
    deadlines()
    made.refresh_from_db()
    assert (made.status, made.incident.status) == ("expired", "open")


def test_the_third_time_that_nobody_signs_people_are_called(world: Light) -> None:
    made = proposal(world, (CHANGED_CODE,))
    for number, status in ((2, "expired"), (3, "superseded")):
        Proposal.objects.create(
            incident=made.incident, number=number, action="retry", title="x", plan=made.plan, status=status, risk="low"
        )
    _late(made, expires_at=Now() - timedelta(seconds=1))
    deadlines()
    made.refresh_from_db()
    assert (made.status, made.incident.status) == ("expired", "escalated")


def test_a_resolved_incident_supersedes_what_was_open(world: Light) -> None:
    made = proposal(world, (CHANGED_CODE,))
    resolve(made.incident, "upstream_fixed", actor=audit.WORKER, source="worker")
    deadlines()
    made.refresh_from_db()
    assert (made.status, made.incident.status) == ("superseded", "resolved")


def test_a_signed_retry_waits_for_its_window_and_then_runs(world: Light, approver: Any) -> None:
    made = proposal(world, (RERUN,), window=_window(3600, 7200))
    execution = approve(made, approver)
    execute(made)
    deadlines()
    made.refresh_from_db()
    assert (made.status, made.incident.status, world.ran()) == ("approved", "watching", [])
    execution.refresh_from_db()
    assert execution.attempts == 0
    _late(made, not_before=Now() - timedelta(seconds=1))
    deadlines()
    made.refresh_from_db()
    assert made.incident.status == "fixing"
    execute(made)
    assert len(world.ran()) == 1


def test_what_did_not_start_in_time_is_void(world: Light, approver: Any) -> None:
    made = proposal(world, (CHANGED_CODE,))
    approve(made, approver)
    _late(made, start_by=Now() - timedelta(seconds=1))
    deadlines()
    made.refresh_from_db()
    assert (made.status, made.incident.status, world.commits()) == ("superseded", "escalated", 1)
    assert Execution.objects.get().outcome == "void"
    assert AuditRecord.objects.get(event="execution.void").detail == {"field": "start_by"}


def test_who_does_not_answer_is_reminded_and_then_others_are_called(world: Light, approver: Any) -> None:
    made = proposal(world, ASK, owner=ADA)
    approve(made, approver)
    execute(made)
    deadlines()
    assert Message.objects.count() == 1
    Request.objects.update(sent_at=Now() - timedelta(hours=3), due_at=Now() + timedelta(hours=1))
    deadlines()
    deadlines()
    assert Message.objects.filter(to="ada@example.com").count() == 2
    Request.objects.update(due_at=Now() - timedelta(seconds=1))
    deadlines()
    made.refresh_from_db()
    assert made.incident.status == "escalated"
    assert Request.objects.filter(closed_at=None).count() == 0


def test_the_sweep_rings_for_what_nobody_holds_and_parks_what_was_tried_too_often(world: Light, approver: Any) -> None:
    made = proposal(world, (CHANGED_CODE,))
    approve(made, approver)
    assert sweep() == 0
    _late(made, status_at=Now() - timedelta(minutes=1))
    assert sweep() == 1
    Execution.objects.update(lease_until=Now() + timedelta(minutes=1))
    assert sweep() == 0
    _late(made, status="validating", attempts=MAX_ATTEMPTS)
    Incident.objects.update(status="validating")
    assert park() == 1
    made.refresh_from_db()
    assert (made.status, made.incident.status) == ("failed", "escalated")


def test_the_branches_of_what_ended_are_dropped_after_two_days_and_not_before(world: Light, approver: Any) -> None:
    made = proposal(world, (CHANGED_CODE,))
    _late(made, status="rejected")
    assert drop_branches() == 0
    _late(made, status_at=Now() - timedelta(hours=49))
    assert (drop_branches(), drop_branches()) == (1, 0)
    assert world.code.git.text("for-each-ref", "refs/heads/fix") == ""


def test_an_open_incident_that_kills_its_workers_is_parked_too(world: Light) -> None:
    made = proposal(world, (CHANGED_CODE,))
    advance(made.incident, "open", actor=audit.SYSTEM, source="schedule")
    Incident.objects.update(attempts=MAX_ATTEMPTS)
    assert park() == 1
    made.refresh_from_db()
    assert made.incident.status == "escalated"
