"""The policy as the API gives and takes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema

from approvals.models import PolicyVersion


class RuleItem(Schema):
    name: str
    says: str
    when: dict[str, Any]
    needs: dict[str, Any]


class VersionItem(Schema):
    number: int
    status: str
    sha256: str
    based_on: int
    note: str
    author: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None

    @staticmethod
    def resolve_author(row: PolicyVersion) -> str:
        return row.author.username

    @staticmethod
    def resolve_decided_by(row: PolicyVersion) -> str | None:
        return row.decided_by.username if row.decided_by else None


class PolicyItem(Schema):
    number: int
    sha256: str
    file: str
    rules: list[RuleItem]
    waiting: VersionItem | None


class PolicyIn(Schema):
    file: str
    note: str
    based_on: int


class TrialIn(Schema):
    file: str


class ChangeItem(Schema):
    kind: str
    incident: int
    number: int
    title: str
    action: str
    risk: str
    asked_at: datetime
    before: str
    after: str
    rule_before: str
    rule_after: str


class TrialItem(Schema):
    proposals: int
    more: int
    fewer: int
    other: int
    same: int
    changes: list[ChangeItem]
    unmet: list[str]
    is_cut: bool
