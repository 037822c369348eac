"""How an incident ends, how it comes back, and who may not end it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from app.core.audit import Actor
from app.core.errors import IllegalMove, Invalid
from incidents import collect
from incidents.models import Incident
from incidents.resolve import resolve
from tests import factories
from tests.factories import incident as make
from tests.incidents.story import JOBS, alert, build, chain, load, model, open_incidents, raw, result, scheduler, tell

pytestmark = pytest.mark.django_db
MAI = Actor("1", "Mai")
BROKEN = {"message": "Binder Error: x not found"}


def the_incident() -> Incident:
    return Incident.objects.get()


def test_it_resolves_when_the_job_that_opened_it_runs_again() -> None:
    tell(load(0, "failed", error="503"))
    tell(load(-5))
    assert the_incident().status == "open"
    tell(load(5, environment="staging"))
    assert the_incident().status == "open"
    tell(load(10))
    found = the_incident()
    assert (found.status, found.resolution, found.follow_up_left) == ("resolved", "upstream_fixed", 0)
    assert found.resolved_at is not None and "Its job runs again" in found.resolution_comment


def test_it_resolves_when_its_check_passes_and_nothing_else_of_it_fails() -> None:
    test = {"node": "test.shop.unique_a", "kind": "test"}
    other = result(model("a"), **{**test, "node": "test.shop.other"})
    tell(build(0, result(model("a"), **test, failures=2), other))
    tell(build(5, result(model("a"), "success"), other))
    assert the_incident().status == "open"
    tell(build(10, result(model("a"), "success", **test), other))
    assert the_incident().status == "open"
    tell(build(15, result(model("a"), "success", **test)))
    assert the_incident().status == "resolved"


def test_what_begins_when_the_root_is_good_again_is_an_incident_of_its_own() -> None:
    chain(raw("orders"), model("stg_orders"))
    test = {"node": "test.shop.unique_orders", "kind": "test"}
    tell(build(0, result(raw("orders"), **test, failures=2), result(model("stg_orders"), "skipped")))
    tell(build(10, result(raw("orders"), "success", **test), result(model("stg_orders"), **BROKEN)))
    first, second = Incident.objects.order_by("number")
    assert (first.status, first.resolution) == ("resolved", "upstream_fixed")
    assert (second.status, second.root_asset.name) == ("open", "main.stg_orders")


def test_an_alert_resolves_what_it_opened() -> None:
    tell(alert(raw("orders")))
    tell(alert(raw("orders"), "resolved", fingerprint="another"))
    assert the_incident().status == "open"
    tell(alert(raw("orders"), "resolved"))
    assert the_incident().status == "resolved"


@pytest.mark.parametrize("status", ["fixing", "validating"])
def test_while_a_fix_is_carried_out_its_own_rerun_resolves_nothing(status: str) -> None:
    tell(load(0, "failed", error="503"))
    Incident.objects.update(status=status)
    tell(load(10))
    assert the_incident().status == status


def test_a_failure_within_the_follow_up_reopens_the_same_incident() -> None:
    tell(build(0, result(model("a"), **BROKEN)))
    first = the_incident()
    resolve(first, "fixed", actor=MAI, source="web")
    assert first.follow_up_left == 2
    tell(build(10, result(model("a"), **BROKEN)))
    found = the_incident()
    assert (found.status, found.reopened, found.resolution, found.resolved_at) == ("open", 1, "", None)
    assert found.run is not None and found.run.external_id == "build@10"


def test_another_error_of_the_same_model_is_a_new_incident() -> None:
    tell(build(0, result(model("a"), **BROKEN)))
    resolve(the_incident(), "fixed", actor=MAI, source="web")
    tell(build(10, result(model("a"), message="Out of Memory Error: could not allocate")))
    assert Incident.objects.count() == 2
    assert open_incidents()[0].title == "a fails: out of memory"


def test_good_scheduled_runs_count_the_follow_up_down_and_our_own_do_not() -> None:
    tell(load(0, "failed", error="503"))
    resolve(the_incident(), "fixed", actor=MAI, source="web")
    began = timezone.now() + timedelta(minutes=1)
    ours = load(0, external_id="ours")
    tell(replace(ours, started_at=began, finished_at=began))
    assert the_incident().follow_up_left == 2
    for number in range(3):
        run = {"id": f"s{number}", "job": {"namespace": JOBS, "name": "load_orders"}, "started_at": began.isoformat()}
        collect.receive(scheduler(), "generic", {"name": "load", "run": run, "status": "success"})
        collect.drain()
        assert the_incident().follow_up_left == max(1 - number, 0)


def test_without_a_follow_up_a_failure_is_a_new_incident() -> None:
    tell(load(0, "failed", error="503"))
    resolve(
        the_incident(), "expected", comment="Planned", actor=Actor.of(factories.user("mai", "operator")), source="web"
    )
    tell(load(10, "failed", error="503"))
    assert Incident.objects.count() == 2


def test_a_person_needs_a_reason_of_the_list_and_resolves_once() -> None:
    incident = make()
    with pytest.raises(Invalid, match="false_positive"):
        resolve(incident, "because", actor=MAI, source="web")
    resolve(incident, "false_positive", comment="A test", actor=MAI, source="web")
    with pytest.raises(IllegalMove):
        resolve(incident, "expected", actor=MAI, source="web")
