"""What becomes one incident, what becomes two, and which asset is its root."""

from __future__ import annotations

import pytest

from app.core.models import AuditRecord
from incidents.models import Incident
from integrations.values import AssetRef
from tests import factories
from tests.incidents.story import alert, build, chain, load, model, open_incidents, raw, result, tell

pytestmark = pytest.mark.django_db

BINDER = """Runtime Error in model stg_orders (models/stg_orders.sql)
  Binder Error: Referenced column "customer_id" not found in FROM clause!
  Candidate bindings: "cust_id" """


def test_failing_nodes_of_one_run_are_one_incident_at_the_most_upstream_of_them() -> None:
    chain(raw("orders"), model("stg_orders"), model("orders"), AssetRef("dbt://shop", "sales"), owner="Mai")
    skipped = result(model("other"), "skipped")
    tell(build(0, result(model("orders"), message="x"), skipped, result(model("stg_orders"), message=BINDER)))
    (incident,) = open_incidents()
    assert incident.root_asset.name == "main.stg_orders"
    assert incident.title == "stg_orders fails: column customer_id not found"
    assert (incident.severity, incident.downstream_count, incident.dashboard_count) == ("high", 2, 1)
    assert sorted(incident.members.values_list("role", "asset__name")) == [
        ("root", "main.stg_orders"),
        ("symptom", "main.orders"),
    ]
    assert AuditRecord.objects.get(event="incident.open").correlation == incident.number


def test_a_failing_source_test_says_what_it_counted() -> None:
    chain(raw("orders"), model("stg_orders"))
    node = "test.shop.source_unique_raw_orders_order_id.5a1b2c"
    tell(build(0, result(raw("orders"), node=node, kind="test", failures=2431, message="Got 2431 results")))
    assert open_incidents()[0].title == "raw.orders has 2,431 repeated order_id"
    assert open_incidents()[0].signature == ""


def test_the_same_failure_again_is_a_repeat() -> None:
    tell(build(0, result(model("a"), message=BINDER)))
    tell(build(10, result(model("a"), message=BINDER)))
    (incident,) = open_incidents()
    assert list(incident.members.order_by("pk").values_list("role", flat=True)) == ["root", "repeat"]
    assert AuditRecord.objects.filter(event="incident.event_joined").count() == 1


def test_a_build_that_fails_after_the_load_upstream_of_it_joins_its_incident() -> None:
    chain(raw("orders"), model("stg_orders"), model("orders"))
    tell(load(0, "failed", error="HTTP Error 503: Service Unavailable"))
    tell(build(5, result(model("orders"), node="test.shop.recent_orders", kind="test", failures=1)))
    (incident,) = open_incidents()
    assert incident.root_asset.name == "raw.orders" and incident.opened_by["kind"] == "job"
    assert incident.members.get(role="symptom").why == "It stands 2 steps downstream of the root"


def test_what_was_good_after_the_root_broke_is_an_incident_of_its_own() -> None:
    chain(raw("orders"), model("stg_orders"))
    tell(load(0, "failed", error="permission denied"))
    tell(build(5, result(model("stg_orders"), "success")))
    tell(build(10, result(model("stg_orders"), message=BINDER)))
    assert [incident.root_asset.name for incident in open_incidents()] == ["raw.orders", "main.stg_orders"]


def test_a_monitor_upstream_becomes_the_new_root_and_younger_ones_fold_in() -> None:
    chain(raw("orders"), model("stg_orders"), model("orders"))
    chain(model("stg_orders"), model("customers"))
    for minute, name in ((0, "orders"), (1, "customers")):
        report = build(minute, result(model(name), node=f"test.shop.t_{name}", kind="test", failures=1))
        tell(report)
    older, younger = open_incidents()
    tell(alert(raw("orders"), severity="critical"))
    (incident,) = open_incidents()
    assert (incident.number, incident.root_asset.name, incident.severity) == (older.number, "raw.orders", "critical")
    younger.refresh_from_db()
    assert (younger.status, younger.resolution) == ("resolved", "duplicate")
    assert sorted(incident.members.values_list("role", "asset__name")) == [
        ("root", "raw.orders"),
        ("symptom", "main.customers"),
        ("symptom", "main.orders"),
    ]


def test_a_later_load_failure_upstream_does_not_take_over_an_older_incident() -> None:
    chain(raw("orders"), model("stg_orders"))
    tell(build(0, result(model("stg_orders"), message=BINDER)))
    tell(load(60, "failed", error="HTTP Error 503"))
    assert len(open_incidents()) == 2


def test_one_error_on_one_connection_is_one_incident() -> None:
    down = 'could not connect to server: connection to "10.0.0.{}", port 5432 refused'
    for number in range(3):
        job = AssetRef("jobs://ingest", f"load_{number}")
        tell(load(number, "failed", job=job, outputs=(raw(f"t{number}"),), error=down.format(number)))
    elsewhere = factories.connection("elsewhere")
    tell(load(3, "failed", outputs=(raw("t9"),), error=down.format(9)), elsewhere)
    assert [incident.members.count() for incident in open_incidents()] == [3, 1]


def test_tasks_of_one_run_are_one_incident_at_the_first_that_failed() -> None:
    parent = {"parent_run": "dag-1"}
    child = load(0, "failed", parameters=parent, error="No space left")
    tell(child)
    tell(load(1, "failed", job=AssetRef("jobs://ingest", "nightly"), outputs=(), external_id="dag-1", error="failed"))
    (incident,) = open_incidents()
    assert incident.title == "load_orders fails: No space left"


def test_staging_skipped_and_aborted_open_nothing() -> None:
    tell(build(0, result(model("a")), environment="staging"))
    tell(build(1, result(model("a"), "skipped"), result(model("b"), "warned")))
    tell(load(2, "aborted"))
    tell(alert(model("a"), environment="staging"))
    assert not Incident.objects.exists()


def test_a_failure_told_after_a_later_good_run_is_history() -> None:
    tell(load(10))
    tell(load(0, "failed", error="x"))
    assert not Incident.objects.exists()


def test_independent_failures_open_two_incidents_and_a_cycle_ends() -> None:
    chain(model("a"), model("b"), model("a"))
    tell(load(0, "failed", job=AssetRef("jobs://ingest", "x"), outputs=(model("a"),), error="boom"))
    tell(load(1, "failed", job=AssetRef("jobs://ingest", "y"), outputs=(model("c"),), error="bang"))
    assert [incident.root_asset.name for incident in open_incidents()] == ["main.a", "main.c"]
