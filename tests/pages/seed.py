"""The inbox of the design at 03:00: rows as the product would have made them, around INC-1042."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from app.core import audit
from app.core.audit import SYSTEM, WORKER, Actor
from app.core.models import User
from incidents.models import Asset, Comment, Diagnosis, Incident
from integrations.models import Connection
from tests import factories
from tests.pages.seed_evidence import add_evidence
from tests.pages.seed_proposal import add_proposal

NOW = timezone.now

# number, severity, title, summary, class, root asset, downstream, dashboards, connection, status, minutes old
ROWS = [
    (1041, "high", "sessions_hourly: executor lost, out of memory", "Same input rehearsed at 12 GB, peak 9.6 GB",
     "infrastructure", "events.sessions_hourly", 5, 0, "jobs", "awaiting_decision", 26),
    (1038, "warning", "crm.contacts loaded twice", "1,204 exact duplicates found, removal rehearsed",
     "data", "crm.contacts", 2, 0, "dbt-prod", "awaiting_decision", 95),
    (1039, "high", "orders_enriched fails: discount_pct renamed upstream", "Production moved since staging",
     "data", "stg_orders", 6, 1, "jobs", "awaiting_decision", 82),
    (1037, "high", "US forecast for December is missing", "Only its owner can fix it: ask for a new upload",
     "data", "plan.us_forecast", 3, 1, "hooks", "escalated", 184),
    (1045, "warning", "mart.returns does not compile after merge", "Model renamed in commit 5c90e1d",
     "code", "mart.returns", 1, 0, "dbt-prod", "proposing", 2),
    (1044, "warning", "Null store_id in 0.4% of raw.pos", "Reading 3 runs and 2 commits",
     "", "raw.pos", 2, 0, "lineage", "diagnosing", 6),
    (1043, "info", "Planning database lock wait at 02:51", "Lock held until 03:10. Retry scheduled 03:15",
     "transient", "plan.capacity_load", 1, 0, "jobs", "watching", 9),
    (1034, "info", "Partner orders API quota used up (429)", "Quota resets 04:00. Retry scheduled 04:02",
     "transient", "raw.partner_orders", 2, 0, "hooks", "watching", 271),
    (1031, "info", "mart.footfall is 40% under its band", "Closed as expected: stores shut for stocktaking",
     "data", "mart.footfall", 1, 0, "dbt-prod", "resolved", 29),
    (1033, "low", "Connection reset to warehouse", "Retried, 1 attempt",
     "transient", "mart.inventory", 2, 0, "dbt-prod", "resolved", 159),
]  # fmt: skip


def people() -> dict[str, User]:
    """On-call engineer, platform lead and an analyst who may only look."""
    cast = {
        "on_call": ("on_call", "On-call", "engineer", ["approver"]),
        "lead": ("platform_lead", "Platform", "lead", ["approver"]),
        "analyst": ("analyst", "Revenue", "analyst", ["viewer"]),
    }
    return {
        key: factories.user(name, *roles, first_name=first, last_name=last)
        for key, (name, first, last, roles) in cast.items()
    }


def inbox(cast: dict[str, User]) -> Incident:
    """Everything; returns INC-1042, which awaits its second signature."""
    kinds = {"dbt-prod": "dbt", "jobs": "scripts", "hooks": "webhook", "lineage": "openlineage"}
    connections = {name: factories.connection(name, kind) for name, kind in kinds.items()}
    for number, severity, title, summary, failure_class, asset, down, boards, via, status, minutes in ROWS:
        made = factories.incident(
            title, status, number=number, severity=severity, summary=summary, failure_class=failure_class,
            root_asset=_asset(asset), downstream_count=down, dashboard_count=boards, connection=connections[via],
            opened_at=_ago(minutes), resolved_at=_ago(min(minutes, 5)) if status == "resolved" else None,
            resolution="fixed" if status == "resolved" else "", owner=cast["on_call"] if number % 2 else None,
        )  # fmt: skip
        if number == 1033:
            Incident.objects.filter(pk=made.pk).update(follow_up_left=1)
    return yen(cast, connections["dbt-prod"])


def yen(cast: dict[str, User], connection: Connection) -> Incident:
    """INC-1042 with diagnosis, evidence, proposal 2 and one of two signatures."""
    incident = factories.incident(
        "mart.revenue_daily is 38× too high: JPY amounts read as USD", "awaiting_decision", number=1042,
        severity="critical", summary="41 tests passed. 1 of 2 signed", failure_class="data",
        subtype="unknown_category", root_asset=_asset("raw.sales"), downstream_count=14, dashboard_count=2,
        connection=connection, opened_at=_ago(11), owner=cast["on_call"],
    )  # fmt: skip
    _story(incident, cast)
    add_evidence(incident)
    diagnose(incident)
    add_proposal(incident, cast, signed_by=[cast["lead"]])
    return incident


def diagnose(incident: Incident) -> Diagnosis:
    return Diagnosis.objects.create(
        incident=incident, failure_class="data", subtype="unknown_category", confidence="0.93",
        produced_by="rules 31", root_cause="JPY amounts beside USD in raw.sales",
        claims=[
            {"text": "The 02:30 load of `raw.sales` began to carry JPY amounts beside USD.", "cites": ["E1"]},
            {"text": "Its columns did not change, so `stg_sales` read 212 yen amounts as dollars.", "cites": ["E4"]},
            {"text": "A note says to hold rows of a currency that the map does not know.", "cites": ["K1"]},
        ],
        alternatives=[
            {"cause": "Duplicate load", "why_not": "848 rows is within 790–912, no repeated `order_id`",
             "cites": ["E3"]},
            {"cause": "Code change", "why_not": "Last commit to `stg_sales` was 19 days ago", "cites": ["E5"]},
            {"cause": "Real sales spike", "why_not": "The jump sits only in rows where `currency = 'JPY'`",
             "cites": ["E4"]},
        ],
    )  # fmt: skip


def _story(incident: Incident, cast: dict[str, User]) -> None:
    say: Any = audit.record
    say("incident.open", incident, actor=SYSTEM, source="api", after="open")
    say("incident.event_joined", incident, actor=SYSTEM, source="api", detail={"title": "dbt test failed"})
    say("incident.diagnosing", incident, actor=WORKER, source="worker")
    say("incident.proposing", incident, actor=WORKER, source="worker")
    say("proposal.drafted", incident, actor=WORKER, source="worker")
    say("proposal.verifying", incident, actor=WORKER, source="worker")
    say("proposal.awaiting_decision", incident, actor=WORKER, source="worker", fingerprint="9f2c41d7" * 8)
    lead = Actor.of(cast["lead"])
    said = Comment.objects.create(incident=incident, author=cast["lead"], text="Tokyo went live tonight: real.")
    say("incident.commented", incident, actor=lead, source="web", detail={"comment": said.pk})
    say("decision.approve", incident, actor=lead, source="web", fingerprint="9f2c41d7" * 8)


def _asset(name: str) -> Asset:
    return factories.asset(name, "iceberg://lake")


def _ago(minutes: int) -> datetime:
    return timezone.now() - timedelta(minutes=minutes)
