"""Short words for the tests of folding: a small chain of assets, and runs over it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from incidents import collect
from incidents.models import Asset, AssetEdge, Event, Incident
from integrations.models import Connection
from integrations.values import Alert, AssetRef, NodeResult, RunReport, as_json
from tests import factories

START = datetime(2026, 5, 22, 2, 0, tzinfo=UTC)
LAKE, WAREHOUSE, JOBS = "iceberg://lake", "duckdb://warehouse", "jobs://ingest"
BUILD, LOAD = AssetRef("dbt://shop", "build"), AssetRef(JOBS, "load_orders")


def raw(name: str) -> AssetRef:
    return AssetRef(LAKE, f"raw.{name}")


def model(name: str) -> AssetRef:
    return AssetRef(WAREHOUSE, f"main.{name}")


def chain(*refs: AssetRef, owner: str = "") -> list[Asset]:
    """Assets that feed each other in this order; the last is a dashboard when `owner` is given."""
    rows = [factories.asset(ref.name, ref.namespace) for ref in refs]
    for upper, lower in pairwise(rows):
        AssetEdge.objects.get_or_create(upstream=upper, downstream=lower)
    if owner:
        Asset.objects.filter(pk=rows[-1].pk).update(kind="dashboard", owner={"name": owner})
    return rows


def scheduler() -> Connection:
    return Connection.objects.filter(name="scheduler").first() or factories.connection("scheduler")


def tell(item: RunReport | Alert, source: Connection | None = None, kind: str = "") -> Event:
    """Receive and drain. As `run` it is our own re-run; reports of a scheduler come by its door, here as `told`."""
    event, _ = collect.receive(source or scheduler(), "drift" if isinstance(item, Alert) else "run", as_json(item))
    collect.drain()
    event.refresh_from_db()
    assert event.error == "", event.error
    return event


def build(minute: int, *results: NodeResult, **fields: Any) -> RunReport:
    failed = any(result.status == "failed" for result in results)
    return _report(minute, BUILD, "failed" if failed else "success", results=results, **fields)


def load(minute: int, status: str = "success", **fields: Any) -> RunReport:
    fields.setdefault("outputs", (raw("orders"),))
    return _report(minute, fields.pop("job", LOAD), status, **fields)


def result(asset: AssetRef, status: str = "failed", **fields: Any) -> NodeResult:
    fields.setdefault("node", f"model.shop.{asset.name}")
    return NodeResult(asset, status, **fields)


def alert(asset: AssetRef, status: str = "firing", **fields: Any) -> Alert:
    return Alert(
        fields.pop("fingerprint", f"volume of {asset.name}"), asset, f"{asset} is odd", status=status, **fields
    )


def open_incidents() -> list[Incident]:
    return list(Incident.objects.exclude(status="resolved").order_by("number"))


def _report(minute: int, job: AssetRef, status: str, **fields: Any) -> RunReport:
    at = START + timedelta(minutes=minute)
    external_id = fields.pop("external_id", f"{job.name}@{minute}")
    fields.setdefault("finished_at", at + timedelta(minutes=1))
    return RunReport(external_id, job, status, started_at=at, **fields)
