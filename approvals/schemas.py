"""Proposals, decisions and executions as the API gives them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from ninja import Schema

from approvals.models import Decision, Execution, Proposal


class ReportItem(Schema):
    green: bool
    checks: list[dict[str, Any]]
    sections: dict[str, Any]
    not_checked: list[str]
    sha256: str
    seconds: float


class DecisionItem(Schema):
    id: int
    decision: str
    by: str
    door: str
    at: datetime
    reason: str
    comment: str
    fingerprint: str
    withdrawn_at: datetime | None

    @staticmethod
    def resolve_by(row: Decision) -> str:
        return row.by.username


class StepItem(Schema):
    number: int
    kind: str
    title: str
    key: str
    status: str
    receipt: dict[str, Any] | None
    started_at: datetime | None
    finished_at: datetime | None


class ExecutionItem(Schema):
    id: int
    direction: str
    outcome: str
    error: str
    started_at: datetime | None
    finished_at: datetime | None
    validation: dict[str, Any]
    steps: list[StepItem]


class AnswerItem(Schema):
    kind: str
    words: str
    name: str
    until: datetime | None
    at: datetime


class RequestItem(Schema):
    """What a person was asked; `outcome` is proved, not_me, late or over once it is closed."""

    to_name: str
    ask: str
    sent_at: datetime | None
    due_at: datetime
    closed_at: datetime | None
    outcome: str
    still: str
    looked_at: datetime | None
    answers: list[AnswerItem]


class ProposalItem(Schema):
    id: int
    incident: int
    number: int
    status: str
    status_reason: str
    action: str
    title: str
    plan: dict[str, Any]
    fingerprint: str
    risk: str
    risk_reason: str
    rehearsal: str
    base: dict[str, Any]
    effect: dict[str, Any]
    policy: dict[str, Any]
    expires_at: datetime | None
    report: ReportItem | None
    decisions: list[DecisionItem]
    execution: ExecutionItem | None
    executions: list[ExecutionItem]
    requests: list[RequestItem]

    @staticmethod
    def resolve_incident(row: Proposal) -> int:
        return row.incident.number

    @staticmethod
    def resolve_report(row: Proposal) -> Any:
        return getattr(row, "report", None)

    @staticmethod
    def resolve_execution(row: Proposal) -> Execution | None:
        return next((one for one in row.executions.all() if one.direction == "forward"), None)


class DecisionIn(Schema):
    decision: Literal["approve", "reject", "request_changes", "withdraw"]
    fingerprint: str
    reason: str = ""
    comment: str = ""


class SwitchIn(Schema):
    scope: str = "all"
    reason: str = ""


class SwitchItem(Schema):
    id: int
    scope: str
    reason: str
    pressed_at: datetime
    lifted_at: datetime | None
