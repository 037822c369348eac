"""Incidents as the API gives them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import Field

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


class MuteItem(Schema):
    id: int
    check: str = Field("", alias="check_name", description="Empty: all detectors of the asset.")
    reason: str
    until: datetime


class MuteIn(Schema):
    check: str = ""
    reason: str
    until: datetime


class UsualItem(Schema):
    id: int
    check: str = Field(alias="check_name")
    low: float | None
    high: float | None
    values: list[str]
    incident_number: int


class AssetItem(Schema):
    id: int
    namespace: str
    name: str
    kind: str
    owner: dict[str, Any]
    state: str
    rows: int | None
    looked_at: datetime | None
    open_incidents: int


class AssetPage(Schema):
    items: list[AssetItem]
    next: int | None = Field(None, description="Give it as `after` for the next page.")


class DetectorItem(Schema):
    check: str
    what: str
    state: str
    now: str
    band: str
    said: str
    note: str


class AssetDetail(Schema):
    id: int
    namespace: str
    name: str
    kind: str
    owner: dict[str, Any]
    last_load: datetime | None
    detectors: list[DetectorItem]
    mutes: list[MuteItem]
    usual: list[UsualItem]
