"""The key of one connection is worth nothing against another one."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incidents import collect, wording
from incidents.models import Asset, Incident
from integrations.models import Connection
from integrations.values import Json
from tests import factories

pytestmark = pytest.mark.django_db
START = datetime(2026, 5, 22, 2, 0, tzinfo=UTC)


def _sender(name: str) -> Connection:
    made = factories.connection(name, "openlineage")
    Connection.objects.filter(pk=made.pk).update(config={"namespace": f"jobs://{name}"})
    made.refresh_from_db()
    return made


@pytest.fixture
def ours() -> Connection:
    return _sender("ours")


@pytest.fixture
def theirs() -> Connection:
    return _sender("theirs")


def _tell(source: Connection, kind: str, minute: int, at: datetime = START, **facets: Any) -> None:
    run = f"{source.name}-{minute}-{at.year}"
    for what, when in (("START", at + timedelta(minutes=minute)), (kind, at + timedelta(minutes=minute, seconds=30))):
        data: Json = {"namespace": "jobs://ours", "name": "orders", "facets": facets}
        payload = {
            "eventType": what,
            "eventTime": when.isoformat(),
            "run": {"runId": run},
            "job": {"namespace": "jobs://ours", "name": "load"},
            "outputs": [data],
        }
        collect.receive(source, "openlineage", payload)
    collect.drain()


def test_a_good_run_that_another_key_tells_resolves_nothing(ours: Connection, theirs: Connection) -> None:
    _tell(ours, "FAIL", 0)
    _tell(theirs, "COMPLETE", 10)
    assert Incident.objects.get().status == "open"
    _tell(ours, "COMPLETE", 20)
    assert Incident.objects.get().status == "resolved"


def test_a_later_good_run_that_another_key_tells_does_not_silence_a_job(ours: Connection, theirs: Connection) -> None:
    _tell(theirs, "COMPLETE", 0, START.replace(year=2200))
    _tell(ours, "FAIL", 0)
    assert Incident.objects.get().status == "open"


def test_a_run_in_the_far_future_does_not_silence_its_own_job(ours: Connection) -> None:
    _tell(ours, "COMPLETE", 0, START.replace(year=2200))
    _tell(ours, "FAIL", 0)
    assert Incident.objects.get().status == "open"


def test_another_key_does_not_replace_an_owner(ours: Connection, theirs: Connection) -> None:
    _tell(ours, "COMPLETE", 0, ownership={"owners": [{"name": "Mai <mai@example.com>"}]})
    _tell(theirs, "COMPLETE", 1, ownership={"owners": [{"name": "Eve <eve@evil.example>"}]})
    assert Asset.objects.get(name="orders").owner["email"] == "mai@example.com"


def test_a_hostile_message_costs_little() -> None:
    began = time.thread_time()
    wording.shape("depends on a " * 100_000)
    assert time.thread_time() - began < 2
