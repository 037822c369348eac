"""Incidents as the API gives them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema

from incidents.models import Incident


class IncidentItem(Schema):
    number: int
    title: str
    summary: str
    status: str
    severity: str
    failure_class: str
    subtype: str
    root_asset: str
    namespace: str
    connection: str
    owner: str | None
    downstream_count: int
    dashboard_count: int
    opened_at: datetime
    status_at: datetime
    resolved_at: datetime | None
    resolution: str

    @staticmethod
    def resolve_root_asset(row: Incident) -> str:
        return row.root_asset.name

    @staticmethod
    def resolve_namespace(row: Incident) -> str:
        return row.root_asset.namespace

    @staticmethod
    def resolve_connection(row: Incident) -> str:
        return row.connection.name

    @staticmethod
    def resolve_owner(row: Incident) -> str | None:
        return row.owner.username if row.owner else None


class IncidentPage(Schema):
    items: list[IncidentItem]
    count: int


class EvidenceItem(Schema):
    label: str
    kind: str
    title: str
    body: Any
    source: str
    trust: str
    at: datetime


class DiagnosisItem(Schema):
    failure_class: str
    subtype: str
    root_cause: str
    claims: list[dict[str, Any]]
    alternatives: list[dict[str, Any]]
    confidence: float
    inconclusive: bool
    produced_by: str
    facts: dict[str, Any]
    at: datetime


class ProposalLine(Schema):
    id: int
    number: int
    status: str
    action: str
    title: str
    risk: str
    fingerprint: str


class IncidentDetail(IncidentItem):
    diagnosis: DiagnosisItem | None
    evidence: list[EvidenceItem]
    proposals: list[ProposalLine]


class AssignIn(Schema):
    owner: str | None


class CommentIn(Schema):
    text: str


class ResolveIn(Schema):
    resolution: str
    comment: str = ""


class AnnotationIn(Schema):
    text: str
