"""All nine faults of the demo through the real doors, detector and rules; then again with names that say nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from incidents import collect
from incidents.detect import detect
from incidents.diagnose import diagnose
from incidents.models import Incident, Run
from integrations.demo import build, faults, rates_service, seed
from integrations.demo.lakehouse import Lakehouse
from integrations.demo.names import DEFAULT, scrambled
from integrations.demo.reporting import Door, Json
from integrations.demo.scheduler import daily_run
from tests.gateway_fixture import gateway

__all__ = ["gateway"]
pytestmark = pytest.mark.slow
DAYS, ORDERS = 9, 800
# fault -> (class, subtype); the root asset is what the demo says
EXPECTED = {
    "yen-beside-dollars": ("data", "unknown_category"),
    "duplicate-load": ("data", "duplicate_rows"),
    "column-renamed-upstream": ("data", "column_renamed"),
    "bad-merge": ("code", "bad_commit"),
    "missing-ref": ("code", "missing_ref"),
    "out-of-memory": ("infrastructure", "out_of_memory"),
    "permission-revoked": ("infrastructure", "permission_denied"),
    "flaky-api": ("transient", "service_unavailable"),
    "lock-conflict": ("transient", "lock_conflict"),
}


def quiet(line: str) -> None:
    """Progress is for people."""


@dataclass(frozen=True)
class InProcess(Door):
    """The same doors without a network between."""

    client: Client = field(default_factory=Client)

    def event(self, event: Json) -> None:
        answer = self.client.post(
            "/api/v1/lineage", event, "application/json", headers={"Authorization": f"Bearer {self.lineage_key}"}
        )
        assert answer.status_code < 300, answer.content

    def artifacts(self, facts: object, folder: Path) -> None:
        names = {"run_results": "run_results.json", "manifest": "manifest.json", "log": "dbt.log"}
        files = {key: (folder / name).open("rb") for key, name in names.items() if (folder / name).exists()}
        headers = {"Authorization": f"Bearer {self.dbt_key}"}
        answer = self.client.post("/api/v1/dbt/artifacts", {**dict(facts), **files}, headers=headers)  # type: ignore[call-overload]
        assert answer.status_code < 300, answer.content


@pytest.fixture(params=[DEFAULT, scrambled(7)], ids=["default", "scrambled"])
def lakehouse(request: pytest.FixtureRequest, tmp_path: Path, postgres_dsn: str) -> Iterator[Lakehouse]:
    home = tmp_path / "home"
    made = build.build(
        home, crm_admin_dsn=postgres_dsn, names=request.param, days=DAYS, orders_a_day=ORDERS, progress=quiet
    )
    service = rates_service.server(made.rates_port, made.rates_state)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    yield made
    service.shutdown()
    service.server_close()
    build.destroy(home, postgres_dsn)


def work(since: int) -> int:
    """What the workers do until nothing is left; returns the last run that was looked at."""
    while collect.drain():
        for run in Run.objects.filter(pk__gt=since, status="success").order_by("pk"):
            detect(run)
            since = run.pk
    for incident in Incident.objects.filter(status="open"):
        diagnose(incident)
    return since


def told(incident: Incident) -> tuple[str, str, str]:
    return incident.failure_class, incident.subtype, incident.root_asset.ref.uri


def test_each_fault_is_understood_and_a_healthy_day_opens_nothing(
    lakehouse: Lakehouse, gateway: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seed, "Door", InProcess)
    door = seed.load(lakehouse, url="", progress=quiet)
    since = work(0)
    daily_run(lakehouse, door=door)
    since = work(since)
    assert not Incident.objects.exists()
    said, expected = {}, {}
    for name, (failure_class, subtype) in EXPECTED.items():
        truth = faults.inject(lakehouse, name, door=door)
        since = work(since)
        said[name] = [told(incident) for incident in Incident.objects.exclude(status="resolved")]
        expected[name] = [(failure_class, subtype, truth.root_asset.uri)]
        Incident.objects.update(status="resolved", resolution="fixed", resolved_at=timezone.now())
    assert said == expected
