"""From typed facts to a proposal, or to people. No engine is needed: these plans change no data and no code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from app.core.audit import SYSTEM, Source
from app.core.errors import IllegalMove
from app.core.lifecycle import advance
from app.core.models import AuditRecord
from approvals.models import Proposal
from approvals.plan import Plan
from approvals.propose import propose, restage
from approvals.remedies.case import Case, NoPlan
from approvals.remedies.rerun_with_parameters import doubled, larger
from approvals.remedies.retry import window_of
from approvals.stage import stage
from incidents.models import AssetEdge, Diagnosis, Incident, Run
from integrations.models import Connection
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
GRANT = 'GRANT SELECT ON "public"."deals" TO "pipeline"'


@pytest.fixture
def job() -> Run:
    """A job that failed, its output, and the dbt project that is built from it."""
    runner = Connection.objects.create(name="ingest", kind="scripts", config={"namespace": "jobs://ingest"})
    Connection.objects.create(name="warehouse", kind="duckdb", config={"namespace": "duckdb://w"})
    Connection.objects.create(name="shop", kind="dbt", config={"namespace": "dbt://shop", "engine": "warehouse"})
    asset, raw = factories.asset("load", "jobs://ingest", kind="job"), factories.asset("raw.rates", "iceberg://lake")
    AssetEdge.objects.create(upstream=asset, downstream=raw)
    AssetEdge.objects.create(upstream=raw, downstream=factories.asset("main.stg_rates", "duckdb://w"))
    return Run.objects.create(
        connection=runner,
        external_id="r1",
        job=asset,
        status="failed",
        parameters={"nominal_start": "2026-11-19T06:15:00"},
    )


def incident(run: Run, subtype: str, **facts: Any) -> Incident:
    made = factories.incident(
        status="proposing", run=run, root_asset=run.job, connection=run.connection, subtype=subtype
    )
    known = {
        "job": {"namespace": run.job.namespace, "name": run.job.name},
        "runner": "ingest",
        "failed": [],
        "commit": "",
    }
    Diagnosis.objects.create(
        incident=made, subtype=subtype, root_cause="r", confidence="0.9", produced_by="t",
        facts={"subtype": subtype, **known, **facts},
    )  # fmt: skip
    return made


def made_for(found: Incident) -> Proposal:
    proposal = propose(found)
    assert proposal is not None
    return proposal


def test_a_lock_is_answered_by_the_same_run_and_what_is_built_from_it(job: Run) -> None:
    proposal = made_for(incident(job, "lock_conflict", resource="warehouse.duckdb"))
    steps = Plan.from_json(proposal.plan).steps
    assert (proposal.action, proposal.rehearsal, proposal.risk) == ("retry", "dry_run", "low")
    assert [(step.kind, step.connection) for step in steps] == [("rerun", "ingest"), ("rerun", "shop")]
    assert steps[0].params["jobs"] == ["jobs://ingest/load"]
    assert steps[0].params["parameters"] == {"run_date": "2026-11-19"}
    assert steps[1].params["select"] == ["iceberg://lake/raw.rates"]
    assert proposal.base["@run"] | {"newest": "r1", "status": "failed"} == proposal.base["@run"]


def test_asked_twice_it_is_one_proposal(job: Run) -> None:
    found = incident(job, "lock_conflict")
    assert made_for(found) == made_for(found)
    assert AuditRecord.objects.filter(event="proposal.drafted").count() == 1


def test_a_service_is_retried_in_its_window(job: Run) -> None:
    proposal = made_for(incident(job, "service_unavailable", status=503, retry_after_s=20))
    window = Plan.from_json(proposal.plan).window
    assert proposal.action == "retry_later"
    assert window is not None
    wait = datetime.fromisoformat(window.not_before) - timezone.now()
    assert timedelta(seconds=10) < wait < timedelta(seconds=30)
    proposal.refresh_from_db()
    assert proposal.not_before == datetime.fromisoformat(window.not_before)


def test_a_window_closes_within_seven_days_and_one_that_is_over_is_no_plan(job: Run) -> None:
    found = incident(job, "service_unavailable")
    far = Case(found, {"not_before": NOW.isoformat(), "not_after": (NOW + timedelta(days=30)).isoformat()}, NOW)
    assert datetime.fromisoformat(window_of(far).not_after) == NOW + timedelta(days=7)
    with pytest.raises(NoPlan, match="over"):
        window_of(Case(found, {"not_before": NOW.isoformat(), "not_after": NOW.isoformat()}, NOW))
    with pytest.raises(NoPlan, match="seven days"):
        window_of(Case(found, {"not_before": (NOW + timedelta(days=8)).isoformat()}, NOW))


def test_the_owner_is_asked_for_the_exact_grant_and_nothing_is_changed(job: Run) -> None:
    owner = {"name": "Owner", "email": "owner@example.com"}
    found = incident(
        job, "permission_denied", asset="postgres://crm/public.deals", object="public.deals", privilege="SELECT",
        role="pipeline", grant=GRANT, owner=owner,
    )  # fmt: skip
    proposal = made_for(found)
    (step,) = Plan.from_json(proposal.plan).steps
    assert (proposal.action, proposal.rehearsal, step.kind) == ("ask_owner", "none", "ask")
    assert step.params["to"] == owner
    assert GRANT in step.params["message"]
    stage(proposal)
    proposal.refresh_from_db()
    assert proposal.status == "verifying"


@pytest.mark.parametrize(
    ("subtype", "facts", "words"),
    [
        ("drift", {}, "No action of the catalogue fits"),
        ("permission_denied", {"asset": "postgres://crm/x", "grant": GRANT}, "Nobody is known as the owner"),
        ("lock_conflict", {"runner": None}, "No connection can run"),
        ("quarantine_nothing", {}, "No action"),
        (
            "unknown_category",
            {"asset": "iceberg://lake/raw.rates", "column": "c", "values": ["X"]},
            "no branch provider",
        ),
        ("bad_commit", {"commit": "abc"}, "No repository"),
    ],
)
def test_what_nothing_fits_is_handed_to_people_with_words(
    job: Run, subtype: str, facts: dict[str, Any], words: str
) -> None:
    found = incident(job, subtype, **facts)
    assert propose(found) is None
    found.refresh_from_db()
    assert found.status == "escalated"
    assert words in AuditRecord.objects.get(event="incident.escalated").reason


def test_what_was_rejected_is_not_proposed_again(job: Run) -> None:
    found = incident(job, "lock_conflict")
    proposal = made_for(found)
    Proposal.objects.filter(pk=proposal.pk).update(status="rejected")
    assert propose(found) is None
    assert "retry was tried already" in AuditRecord.objects.get(event="incident.escalated").reason


def test_staging_again_is_a_new_proposal_and_makes_nobody_an_editor(job: Run) -> None:
    found = incident(job, "lock_conflict")
    proposal = made_for(found)
    Proposal.objects.filter(pk=proposal.pk).update(status="expired")
    proposal.refresh_from_db()
    advance(found, "escalated", actor=SYSTEM, source="worker")
    again = restage(proposal, actor=SYSTEM, source=Source("web"))
    proposal.refresh_from_db()
    found.refresh_from_db()
    assert (again.number, again.status, again.plan, again.editors) == (2, "drafted", proposal.plan, [])
    assert (proposal.status, found.status) == ("superseded", "proposing")


def test_a_rejected_proposal_cannot_be_staged_again(job: Run) -> None:
    proposal = made_for(incident(job, "lock_conflict"))
    Proposal.objects.filter(pk=proposal.pk).update(status="rejected")
    proposal.refresh_from_db()
    with pytest.raises(IllegalMove):
        restage(proposal, actor=SYSTEM, source=Source("web"))


def test_a_limit_doubles_up_to_what_is_allowed() -> None:
    assert doubled("48MB", "2GB") == "96MB"
    assert doubled("1.5GB", "2GB") == "2GB"
    assert doubled("2GB", "2GB") is None
    assert doubled("much", "2GB") is None


def test_the_third_try_is_the_largest_size_and_there_is_no_fourth(job: Run) -> None:
    found = incident(job, "out_of_memory", parameter="memory_limit", now="48MB", max="2GB", runner="shop")
    plan = Plan.from_json(made_for(found).plan)
    sizes = []
    for tried in (1, 2, 3):
        following = larger(plan, {"memory_limit": {"max": "2GB"}}, tried)
        if following is None:
            break
        plan = following
        sizes.append(plan.steps[0].params["parameters"]["memory_limit"])
    assert sizes == ["192MB", "2GB"]
    assert "2GB" in plan.title
