"""All faults through the real doors, detector and rules, with tables, columns and files whose names say nothing.

What only a note can tell is without its note here: nothing is expected, no window is known, the cluster stays shut.

With the demo's own names they happen to a running installation, in tests/scenarios.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from incidents import collect
from incidents.detect import detect
from incidents.diagnose import diagnose
from incidents.models import Incident, Run
from integrations.demo import build, cluster, faults, rates_service, seed
from integrations.demo.lakehouse import Lakehouse
from integrations.demo.names import scrambled
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
    "retry-window": ("transient", "service_unavailable"),
    "expected-jump": ("data", "unusual_total"),
    "key-header": ("", ""),
    "lock-conflict": ("transient", "lock_conflict"),  # the last, because the lock may outlast its day
}


def quiet(line: str) -> None:
    """Progress is for people."""


@dataclass(frozen=True)
class InProcess(Door):
    """The same doors without a network between; reports wait for `deliver`, because jobs report from other threads."""

    waiting: list[Callable[[Client], Any]] = field(default_factory=list)

    def event(self, event: Json) -> None:
        headers = {"Authorization": f"Bearer {self.lineage_key}"}
        self.waiting.append(lambda web: web.post("/api/v1/lineage", event, "application/json", headers=headers))

    def artifacts(self, facts: Mapping[str, str], folder: Path) -> None:
        names = {"run_results": "run_results.json", "manifest": "manifest.json", "log": "dbt.log"}
        texts = {key: (name, (folder / name).read_bytes()) for key, name in names.items() if (folder / name).exists()}
        headers = {"Authorization": f"Bearer {self.dbt_key}"}

        def send(web: Client) -> Any:
            files = {key: SimpleUploadedFile(name, content) for key, (name, content) in texts.items()}
            return web.post("/api/v1/dbt/artifacts", {**facts, **files}, headers=headers)

        self.waiting.append(send)

    def deliver(self) -> None:
        while self.waiting:
            answer = self.waiting.pop(0)(Client())
            assert answer.status_code < 300, answer.content


@pytest.fixture
def lakehouse(tmp_path: Path, postgres_dsn: str) -> Iterator[Lakehouse]:
    home = tmp_path / "home"
    made = build.build(
        home, crm_admin_dsn=postgres_dsn, names=scrambled(7), days=DAYS, orders_a_day=ORDERS, progress=quiet
    )
    services = [
        rates_service.server(made.rates_port, made.rates_state),
        cluster.server(made.cluster_port, made.cluster_state),
    ]
    for service in services:
        threading.Thread(target=service.serve_forever, daemon=True).start()
    yield made
    for service in services:
        service.shutdown()
        service.server_close()
    build.destroy(home, postgres_dsn)


def work(door: InProcess, since: int) -> int:
    """What the workers do until nothing is left; returns the last run that was looked at."""
    door.deliver()
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
    assert isinstance(door, InProcess)
    since = work(door, 0)
    daily_run(lakehouse, door=door)
    since = work(door, since)
    assert not Incident.objects.exists()
    said, expected = {}, {}
    for name, (failure_class, subtype) in EXPECTED.items():
        truth = faults.inject(lakehouse, name, door=door)
        since = work(door, since)
        said[name] = [told(incident) for incident in Incident.objects.exclude(status="resolved")]
        expected[name] = [(failure_class, subtype, truth.root_asset.uri)]
        Incident.objects.update(status="resolved", resolution="fixed", resolved_at=timezone.now())
    assert said == expected
