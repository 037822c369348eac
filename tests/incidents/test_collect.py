"""Receive and drain: durable, once, in order, and one poisonous event blocks nobody."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection as database

from incidents import collect
from incidents.models import Asset, AssetEdge, Event, Incident, Run
from tests.factories import connection

pytestmark = pytest.mark.django_db
Json = dict[str, Any]


def run(kind: str, run_id: str = "r1", *, at: str = "2026-05-22T02:30:00Z", **more: Any) -> Json:
    job = {"namespace": "jobs://af", "name": more.pop("job", "load_orders")}
    facets = more.pop("facets", {})
    return {"eventType": kind, "eventTime": at, "run": {"runId": run_id, "facets": facets}, "job": job, **more}


def dataset(name: str, namespace: str = "iceberg://lake") -> Json:
    return {"namespace": namespace, "name": name}


FAILED = {"errorMessage": {"message": "psycopg.errors.InsufficientPrivilege: permission denied for table deals"}}


@pytest.fixture
def lineage_door() -> Any:
    return connection("airflow", "openlineage", namespace="jobs://af")


def test_a_failed_run_opens_an_incident_at_its_first_output(lineage_door: Any) -> None:
    start = run("START", inputs=[dataset("public.deals", "postgres://crm")], outputs=[dataset("raw.deals")])
    collect.receive(lineage_door, "openlineage", start)
    collect.receive(lineage_door, "openlineage", run("FAIL", at="2026-05-22T02:31:00Z", facets=FAILED))
    assert collect.drain() == 2
    incident = Incident.objects.get()
    assert (incident.root_asset.name, incident.status) == ("raw.deals", "open")
    assert incident.title == "load_orders fails: permission denied for table deals"
    assert incident.opened_by["key"] == "job:jobs://af/load_orders"
    assert incident.run == Run.objects.get()
    edges = AssetEdge.objects.values_list("upstream__name", "downstream__name")
    assert set(edges) == {("public.deals", "load_orders"), ("load_orders", "raw.deals")}


def test_facets_are_merged_over_all_events_of_a_run_in_any_order(lineage_door: Any) -> None:
    first = run("FAIL", at="2026-05-22T02:31:00Z", facets=FAILED)
    nominal = {"nominalTime": {"nominalStartTime": "2026-05-22T02:00:00Z"}}
    late = run("START", inputs=[dataset("a")], outputs=[dataset("b")], facets=nominal)
    for payload in (first, late):
        collect.receive(lineage_door, "openlineage", payload)
    collect.drain()
    kept = Run.objects.get()
    assert (kept.status, kept.started_at is not None, kept.finished_at is not None) == ("failed", True, True)
    assert kept.error.endswith("permission denied for table deals")
    assert kept.parameters["nominal_start"].startswith("2026-05-22T02:00")
    assert len(kept.inputs) == len(kept.outputs) == 1


def test_the_same_event_twice_is_one_row(lineage_door: Any) -> None:
    _, first = collect.receive(lineage_door, "openlineage", run("START"))
    _, again = collect.receive(lineage_door, "openlineage", run("START"))
    assert (first, again, Event.objects.count()) == (True, False, 1)


def test_a_poisonous_event_keeps_its_error_and_lets_the_others_through(
    lineage_door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, _ = collect.receive(lineage_door, "openlineage", run("START", "bad"))
    Event.objects.filter(pk=poison.pk).update(kind="run", payload={"external_id": 1, "status": []})
    collect.receive(lineage_door, "openlineage", run("START", "good"))
    for _ in range(collect.MAX_ATTEMPTS + 2):
        collect.drain()
    poison.refresh_from_db()
    assert (poison.attempts, poison.drained_at) == (collect.MAX_ATTEMPTS, None)
    assert "TypeError" in poison.error
    assert Run.objects.get().external_id == "good"


def test_what_is_not_understood_is_kept_unread(lineage_door: Any) -> None:
    event, _ = collect.receive(lineage_door, "openlineage", {"eventTime": "2026-05-22T02:30:00Z", "dataset": {}})
    collect.drain()
    event.refresh_from_db()
    assert event.drained_at is not None and event.error == collect.UNREAD


def test_an_owner_set_by_a_person_stays(lineage_door: Any) -> None:
    owned = {"ownership": {"owners": [{"name": "Mai Tran <mai@example.com>"}]}}
    collect.receive(lineage_door, "openlineage", run("START", outputs=[{**dataset("raw.x"), "facets": owned}]))
    collect.drain()
    asset = Asset.objects.get(name="raw.x")
    assert asset.owner == {"name": "Mai Tran", "email": "mai@example.com"}
    Asset.objects.filter(pk=asset.pk).update(owner={"name": "Ola", "set_by": "person"})
    collect.receive(lineage_door, "openlineage", run("START", "r2", outputs=[{**dataset("raw.x"), "facets": owned}]))
    collect.drain()
    asset.refresh_from_db()
    assert asset.owner["name"] == "Ola"


def test_the_next_load_is_learned_from_the_schedule(lineage_door: Any) -> None:
    for day in (20, 21):
        facets = {"nominalTime": {"nominalStartTime": f"2026-05-{day}T02:00:00Z"}}
        for kind, minute in (("START", 1), ("COMPLETE", 9)):
            at = f"2026-05-{day}T02:0{minute}:00Z"
            event = run(kind, f"r{day}", at=at, facets=facets, outputs=[dataset("raw.x")])
            collect.receive(lineage_door, "openlineage", event)
    collect.drain()
    due = Asset.objects.get(name="raw.x").next_load_at
    assert due is not None and due.isoformat() == "2026-05-22T02:00:00+00:00"


@pytest.mark.django_db(transaction=True)
def test_two_senders_of_one_event_and_two_drains_leave_one_of_everything() -> None:
    door = connection("airflow", "openlineage", namespace="jobs://af")
    events = [run("FAIL", f"r{n}", outputs=[dataset("raw.orders")], facets=FAILED) for n in range(20)]

    def send() -> None:
        for event in events:
            collect.receive(door, "openlineage", event)
        database.close()

    def work() -> None:
        while Event.objects.filter(drained_at=None).exists():
            collect.drain()
        database.close()

    for act in (send, work):
        threads = [threading.Thread(target=act) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert Event.objects.count() == 20
    assert Incident.objects.count() == 1
    assert Incident.objects.get().members.count() == 20
