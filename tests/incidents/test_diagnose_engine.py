from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.core.errors import LostRace
from app.core.lease import lease
from app.core.models import AuditRecord
from incidents.diagnose import diagnose
from incidents.models import Diagnosis, Incident
from incidents.rules.engine import retry_after, size
from tests.gateway_fixture import gateway
from tests.incidents.diagnosing import World

__all__ = ["gateway"]
MEMORY = "Runtime Error in model x\n  Out of Memory Error: failed to allocate 16.0 MiB (90.1 MiB/91.5 MiB used)"
BUSY = "GET http://rates/v1/quotes -> HTTP 503 Service Unavailable; Retry-After: 17; closed"
LOCK = 'IO Error: Could not set lock on file "/w.duckdb": Conflicting lock is held in /bin/python3 (PID 42).'


@pytest.fixture
def world(tmp_path: Path, gateway: None) -> World:
    return World(tmp_path)


def broken(world: World, message: str) -> Incident:
    job = world.asset("dbt", "build", kind="job")
    good = world.commit("Begin", models__bounds="select 1")
    world.run(job, commit=good)
    return world.failure(world.asset("engine", "main.bounds", path="models/bounds.sql"), message, job=job, commit=good)


def concluded(incident: Incident) -> Diagnosis:
    made = diagnose(incident)
    assert made is not None
    labels = set(incident.evidence.values_list("label", flat=True))
    sentences = [*made.claims, *made.alternatives]
    assert made.claims and all(cite in labels for sentence in sentences for cite in sentence["cites"])
    return made


def test_a_reached_memory_limit_names_the_parameter_to_raise(world: World) -> None:
    incident = broken(world, MEMORY)
    made = concluded(incident)
    assert (made.failure_class, made.subtype, made.inconclusive) == ("infrastructure", "out_of_memory", False)
    facts = made.facts
    assert (facts["parameter"], facts["now"], facts["max"]) == ("memory_limit", "96MB", "2GB")
    assert (facts["runner"], facts["job"]) == ("shop", {"namespace": "dbt://shop", "name": "build"})
    assert facts["failed"] == ["duckdb://warehouse/main.bounds"]
    assert "no commit since" in made.alternatives[0]["why_not"]


def test_a_diagnosed_incident_goes_on_to_be_proposed_for(world: World) -> None:
    incident = broken(world, MEMORY)
    concluded(incident)
    incident.refresh_from_db()
    assert (incident.status, incident.failure_class, incident.subtype) == (
        "proposing",
        "infrastructure",
        "out_of_memory",
    )
    events = list(
        AuditRecord.objects.filter(correlation=incident.number).order_by("id").values_list("event", flat=True)
    )
    assert events == ["incident.diagnosing", "incident.proposing"]


def test_a_service_that_is_closed_says_when_to_come_back(world: World) -> None:
    incident = broken(world, BUSY)
    made = concluded(incident)
    assert (made.failure_class, made.subtype, made.facts["retry_after_s"]) == ("transient", "service_unavailable", 17)
    assert incident.run and incident.run.finished_at
    failed_at = incident.run.finished_at
    assert (datetime.fromisoformat(made.facts["not_before"]) - failed_at).total_seconds() == 17


def test_a_held_lock_names_its_holder(world: World) -> None:
    made = concluded(broken(world, LOCK))
    assert (made.failure_class, made.subtype, made.facts["resource"]) == ("transient", "lock_conflict", "/w.duckdb")
    assert "PID 42" in made.facts["holder"]


def test_nothing_that_decides_is_inconclusive_and_goes_to_people(world: World) -> None:
    incident = broken(world, "It did not work.")
    made = concluded(incident)
    incident.refresh_from_db()
    assert (made.inconclusive, made.failure_class, incident.status) == (True, "", "escalated")


def test_a_known_signature_without_a_remedy_claims_no_more_than_its_class(world: World) -> None:
    made = concluded(broken(world, "Conversion Error: Could not convert string '12,50 EUR' to INT32"))
    assert (made.failure_class, made.subtype) == ("data", "bad_value")
    assert made.confidence < 1


def test_diagnosing_again_replaces_the_evidence(world: World) -> None:
    incident = broken(world, MEMORY)
    concluded(incident)
    before = list(incident.evidence.order_by("pk").values_list("label", "kind"))
    Incident.objects.filter(pk=incident.pk).update(status="diagnosing")
    incident.refresh_from_db()
    concluded(incident)
    assert list(incident.evidence.order_by("pk").values_list("label", "kind")) == before


def test_an_incident_that_another_worker_holds_is_left_alone(world: World) -> None:
    incident = broken(world, MEMORY)
    with lease(incident, "open"), pytest.raises(LostRace):
        diagnose(Incident.objects.get(pk=incident.pk))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("91.5 MiB", 95944704), ("2GB", 2 * 10**9), ("512", 512), ("1.0 GiB", 2**30), ("a lot", None), ("1.2.3MB", None)],
)
def test_sizes_are_read(text: str, expected: int | None) -> None:
    assert size(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("20", 20), ("Fri, 20 Nov 2026 10:01:00 GMT", 60), ("soon", None), ("999999999", 604800)]
)
def test_both_forms_of_retry_after_are_read(text: str, expected: int | None) -> None:
    assert retry_after(text, datetime(2026, 11, 20, 10, 0, tzinfo=UTC)) == expected
