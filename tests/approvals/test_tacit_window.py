"""02:47 to 03:12: what a note knows of a window makes one retry in it; without the note nobody knows when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from app.core.audit import Actor
from app.core.models import User
from approvals.execute import execute
from approvals.models import Proposal
from approvals.plan import Plan
from approvals.remedies.retry import UNKNOWN
from approvals.validate import validate
from incidents.models import Incident
from knowledge.archive import archive
from knowledge.hints import RetryWindow
from knowledge.models import Entry
from knowledge.write import Content, create
from tests.approvals.hours import Hours, clock, hours
from tests.approvals.light import approve
from tests.gateway_fixture import gateway

__all__ = ["gateway"]


@pytest.fixture
def treasury(tmp_path: Path, transactional_db: None, gateway: None) -> Iterator[Hours]:
    with hours(tmp_path) as world:
        yield world


def note(by: User, start: str, end: str) -> Entry:
    rule = 'asset = load_quotes\nerror ~ "settlement is running"'
    hint = RetryWindow("inside", start, end, most_retries=1)
    content = Content("runbook", "The treasury answers in one window a day", rule, "One retry is enough.", (hint,))
    return create(content, by=by, actor=Actor.of(by), source="web")


def again(made: Proposal) -> Proposal:
    return Proposal.objects.get(pk=made.pk)


def carried_out(made: Proposal, by: Any) -> Proposal:
    approve(made, by)
    assert made.not_before is not None
    time.sleep(max(0.0, (made.not_before - timezone.now()).total_seconds()) + 0.1)  # the guard for clocks that differ
    execute(again(made))
    validate(again(made))
    return again(made)


def test_the_one_retry_waits_for_the_window_that_the_note_names(
    treasury: Hours, operator: User, approver: User
) -> None:
    note(operator, clock(120), clock(145))
    made = treasury.proposed()
    plan = Plan.from_json(made.plan)
    assert (made.action, made.report.green) == ("retry_later", True)
    assert plan.window is not None
    opens, closes = (datetime.fromisoformat(at) for at in (plan.window.not_before, plan.window.not_after))
    assert timedelta(minutes=118) < opens - timezone.now() <= timedelta(minutes=120, seconds=2)
    assert timedelta(minutes=24) < closes - opens <= timedelta(minutes=25)
    assert [step.params["attempts"] for step in plan.steps] == [1]
    assert plan.why.startswith("K1 (version 1) says: Retry inside")
    approve(made, approver)
    execute(again(made))
    assert Incident.objects.get().status == "watching"
    assert treasury.asked() == 1  # the run that failed


def test_in_the_window_it_runs_once_and_heals(treasury: Hours, operator: User, approver: User) -> None:
    note(operator, clock(0), clock(25))
    made = treasury.proposed()
    treasury.open(clock(0), clock(25))
    assert carried_out(made, approver).status == "done"
    assert Incident.objects.get().status == "resolved"
    assert treasury.asked() == 2


def test_when_the_window_was_wrong_it_is_not_tried_a_second_time(
    treasury: Hours, operator: User, approver: User
) -> None:
    note(operator, clock(0), clock(25))
    made = treasury.proposed()
    assert carried_out(made, approver).status == "failed"
    assert Incident.objects.get().status == "escalated"
    assert treasury.asked() == 2


@pytest.mark.parametrize("archived", [False, True])
def test_without_the_note_nobody_knows_when_and_the_page_says_so(
    treasury: Hours, client: Client, administrator: User, approver: User, archived: bool
) -> None:
    if archived:
        gone = note(administrator, clock(120), clock(145))
        archive(gone, by=administrator, actor=Actor.of(administrator), source="web")
    made = treasury.proposed()
    plan = Plan.from_json(made.plan)
    assert made.action in ("retry", "retry_later")
    assert plan.window is None or datetime.fromisoformat(plan.window.not_before) < timezone.now() + timedelta(minutes=6)
    assert UNKNOWN in plan.why
    client.force_login(approver)
    page = client.get(f"/incidents/{made.incident.number}/proposal/")
    assert UNKNOWN in page.content.decode()
