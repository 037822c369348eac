"""The demo's lakehouse for tests of this chapter: broken for real, told through the real doors, diagnosed by hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import RequestFactory

from app.core.models import AuditRecord
from approvals.models import Proposal
from approvals.propose import propose
from approvals.stage import stage
from approvals.verify import verify
from incidents import webhooks
from incidents.collect import drain
from incidents.models import Asset, Diagnosis, Incident, Run
from integrations.connections import connector
from integrations.demo import build, faults, rates_service, seed
from integrations.demo.faults import Truth
from integrations.demo.lakehouse import Lakehouse
from integrations.demo.reporting import Door
from integrations.models import Connection
from integrations.values import AssetRef, Json

DAYS = 9  # enough for a band


@dataclass(frozen=True)
class Inside(Door):
    """The doors, without a network between. Reports wait, because jobs tell from threads outside of the transaction."""

    waiting: list[Callable[[], HttpResponse]] = field(default_factory=list)

    def event(self, event: Json) -> None:
        self.waiting.append(partial(self._event, event))

    def artifacts(self, facts: Mapping[str, str], folder: Path) -> None:
        self.waiting.append(partial(self._artifacts, facts, folder))

    def deliver(self) -> None:
        for report in self.waiting:
            assert report().status_code in (200, 201)
        self.waiting.clear()
        drain()

    def _event(self, event: Json) -> HttpResponse:
        headers = {"Authorization": f"Bearer {self.lineage_key}"}
        request = RequestFactory().post("/", json.dumps(event), "application/json", headers=headers)
        return webhooks.lineage(request)

    def _artifacts(self, facts: Mapping[str, str], folder: Path) -> HttpResponse:
        names = {"run_results": "run_results.json", "manifest": "manifest.json", "log": "dbt.log"}
        files = {key: (folder / name).open("rb") for key, name in names.items() if (folder / name).exists()}
        headers = {"Authorization": f"Bearer {self.dbt_key}"}
        return webhooks.artifacts(RequestFactory().post("/", {**facts, **files}, headers=headers))


@contextmanager
def standing(home: Path, dsn: str) -> Iterator[Lakehouse]:
    found = build.build(home, crm_admin_dsn=dsn, days=DAYS, orders_a_day=400, progress=lambda line: None)
    service = rates_service.server(found.rates_port, found.rates_state)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        service.shutdown()
        service.server_close()
        build.destroy(home, dsn)


def broken(lakehouse: Lakehouse, fault: str) -> Truth:
    """Inject it and let the run tell its story; incidents that this opens are put aside."""
    keys = seed.connect(lakehouse)
    door = Inside("", keys[seed.LINEAGE], keys[seed.DBT])
    seed.tell(lakehouse, lakehouse.runs / lakehouse.today.isoformat(), door)  # the last good day teaches the assets
    truth = faults.inject(lakehouse, fault, door=door)
    door.deliver()
    Incident.objects.all().delete()
    return truth


def diagnosed(root: AssetRef, connection: str, run: Run | None, **facts: Any) -> Incident:
    """An incident that is `proposing`, with these typed facts."""
    asset = Asset.objects.get(namespace=root.namespace, name=root.name)
    made = Incident.objects.create(
        title=f"{root.name} is broken", status="proposing", root_asset=asset, run=run, subtype=facts["subtype"],
        connection=Connection.objects.get(name=connection),
    )  # fmt: skip
    made.refresh_from_db()
    known = {"job": None, "runner": connection, "run_id": run.external_id if run else "", "failed": [], "commit": ""}
    Diagnosis.objects.create(
        incident=made, failure_class="data", subtype=facts["subtype"], root_cause="by hand", confidence="0.90",
        produced_by="test", facts={**known, **facts},
    )  # fmt: skip
    Diagnosis.objects.filter(incident=made).update(at=Now())
    return made


def through(incident: Incident) -> Proposal:
    """Propose, stage, verify; what came of it."""
    proposal = propose(incident)
    assert proposal is not None, incident_reason(incident)
    stage(proposal)
    proposal.refresh_from_db()
    verify(proposal)
    proposal.refresh_from_db()
    incident.refresh_from_db()
    return proposal


def incident_reason(incident: Incident) -> str:
    return AuditRecord.objects.filter(correlation=incident.number).latest("id").reason


def last_run(job: str) -> Run:
    return Run.objects.filter(job__name=job, environment="production").latest("pk")


def failed_models(run: Run) -> list[str]:
    rows = run.results.filter(status="failed", kind="model").select_related("asset")
    return [row.asset.ref.uri for row in rows]


def lake() -> Any:
    return connector(Connection.objects.get(name="lake"))
