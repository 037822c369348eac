"""An incident and its proposal in each state that a live message shows. `rows` are (incident, proposal, cast)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from app.core.models import User
from approvals.models import Decision, Execution, ExecutionStep, Proposal, Request
from incidents.models import Diagnosis, Incident

Rows = tuple[Incident, Proposal, dict[str, User]]


def incident(rows: Rows, status: str, **fields: Any) -> None:
    Incident.objects.filter(pk=rows[0].pk).update(status=status, status_at=timezone.now(), **fields)


def proposal(rows: Rows, status: str, **fields: Any) -> None:
    Proposal.objects.filter(pk=rows[1].pk).update(status=status, **fields)


def signed(rows: Rows, *people: str) -> None:
    for name in people:
        Decision.objects.create(
            proposal=rows[1], decision="approve", by=rows[2][name], door="slack", fingerprint=rows[1].fingerprint
        )


def without_proposal(rows: Rows, status: str, **fields: Any) -> None:
    incident(rows, status, **fields)
    for model in (Decision, Execution):
        model.objects.filter(proposal=rows[1]).delete()
    Proposal.objects.filter(pk=rows[1].pk).delete()


def running(rows: Rows, status: str = "executing") -> Execution:
    signed(rows, "on_call", "lead")
    incident(rows, "fixing")
    proposal(rows, status)
    run = Execution.objects.create(proposal=rows[1], fingerprint=rows[1].fingerprint, started_at=timezone.now())
    for number, (kind, status) in enumerate([("publish", "done"), ("rerun", "running")], 1):
        titles = {"publish": "Fast-forward `main`", "rerun": "Rebuild the models"}
        ExecutionStep.objects.create(
            execution=run,
            number=number,
            kind=kind,
            title=titles[kind],
            key=f"k{number}",
            status=status,
            receipt={"a": 1},
        )
    return run


def done(rows: Rows) -> None:
    run = running(rows, "done")
    Execution.objects.filter(pk=run.pk).update(finished_at=timezone.now(), outcome="done")
    incident(rows, "resolved", resolution="fixed", follow_up_left=2, resolved_at=timezone.now())


def undone(rows: Rows) -> None:
    done(rows)
    incident(rows, "escalated")
    proposal(rows, "undone")
    Execution.objects.create(
        proposal=rows[1], fingerprint=rows[1].fingerprint, direction="undo", asked_by=rows[2]["lead"], outcome="done"
    )


def decided(rows: Rows, decision: str, status: str, **fields: Any) -> None:
    incident(rows, "escalated")
    proposal(rows, status, status_reason="Treasury wants the month-end rate")
    Decision.objects.create(
        proposal=rows[1], decision=decision, by=rows[2]["lead"], door="web", fingerprint=rows[1].fingerprint, **fields
    )


def asked(rows: Rows) -> None:
    incident(rows, "waiting_on_person")
    proposal(rows, "done")
    due = timezone.now() + timedelta(hours=4)
    Request.objects.create(proposal=rows[1], to_name="Carla Reyes", ask="Please.", key="r1", due_at=due)


def inconclusive(rows: Rows) -> None:
    without_proposal(rows, "escalated")
    Diagnosis.objects.create(incident=rows[0], root_cause="Nothing decides it.", confidence=0, inconclusive=True)


def lapsed(rows: Rows, status: str, reason: str) -> None:
    signed(rows, "lead")
    incident(rows, "open")
    proposal(rows, status, status_reason=reason)


def high(rows: Rows) -> None:
    proposal(rows, "awaiting_decision", risk="high")
    incident(rows, "awaiting_decision")


def window(rows: Rows) -> None:
    incident(rows, "watching")
    proposal(rows, "approved", not_before=timezone.now())


def ended(rows: Rows, status: str) -> None:
    incident(rows, "escalated")
    proposal(rows, status)


def preparing(rows: Rows) -> None:
    incident(rows, "proposing")
    proposal(rows, "staging")
