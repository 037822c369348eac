"""People, tokens and the audit trail as the API gives them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema

from app.core import audit
from app.core.models import AuditRecord, User


class Refusal(Schema):
    error: str
    message: str


class Me(Schema):
    username: str
    name: str
    roles: list[str]
    scopes: list[str]


class PersonItem(Schema):
    id: int
    username: str
    email: str
    roles: list[str]
    groups: list[str]
    on_call: bool
    is_active: bool

    @staticmethod
    def resolve_groups(row: User) -> list[str]:
        return row.member_of


class PersonIn(Schema):
    username: str
    email: str
    name: str
    roles: list[str]
    on_call: bool = False


class PersonChange(Schema):
    roles: list[str] | None = None
    groups: list[str] | None = None
    on_call: bool | None = None
    is_active: bool | None = None


class TokenItem(Schema):
    id: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class TokenIn(Schema):
    name: str
    scopes: list[str]
    days: int = 90


class TokenMade(TokenItem):
    token: str


class RecordItem(Schema):
    id: int
    time: datetime
    event: str
    sentence: str
    outcome: str
    error_code: str
    actor: dict[str, Any]
    source: dict[str, Any]
    incident: int | None
    subject: dict[str, Any]
    fingerprint: str
    reason: str
    before: str
    after: str
    detail: dict[str, Any]
    seq: int | None
    hash: str | None

    @staticmethod
    def resolve_sentence(row: AuditRecord) -> str:
        return audit.sentence(row)

    @staticmethod
    def resolve_incident(row: AuditRecord) -> int | None:
        return row.correlation

    @staticmethod
    def resolve_seq(row: AuditRecord) -> int | None:
        link = getattr(row, "seal", None)
        return link.seq if link else None

    @staticmethod
    def resolve_hash(row: AuditRecord) -> str | None:
        link = getattr(row, "seal", None)
        return link.hash if link else None


class RecordPage(Schema):
    items: list[RecordItem]
    older: int | None
