"""What every event source promises, over all registered kinds: pure, tolerant, and the same event is the same event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from integrations import ports, registry
from integrations.ports import EventSource, Wiring
from integrations.values import Alert, Json, RunReport, as_json, from_json

SOURCES = [entry.kind for entry in registry.CONNECTORS.values() if "EventSource" in entry.ports]
EVENT_KIND = {"openlineage": "openlineage", "webhook": "generic", "dbt": "dbt"}
PAYLOADS: dict[str, Json] = {
    "openlineage": {
        "eventType": "FAIL",
        "eventTime": "2026-05-22T02:31:00Z",
        "run": {"runId": "r1", "facets": {"errorMessage": {"message": "boom"}}},
        "job": {"namespace": "jobs://af", "name": "load"},
        "outputs": [{"namespace": "iceberg://lake", "name": "raw.orders"}],
    },
    "webhook": {"name": "stale", "message": "raw.orders is stale", "labels": {"table": "raw.orders"}},
    "dbt": {
        "run_results": {
            "metadata": {"invocation_id": "i1", "generated_at": "2026-05-22T02:31:00Z"},
            "results": [{"unique_id": "model.shop.orders", "status": "error", "message": "boom", "timing": []}],
        },
        "manifest": {
            "nodes": {
                "model.shop.orders": {
                    "unique_id": "model.shop.orders",
                    "resource_type": "model",
                    "name": "orders",
                    "schema": "main",
                    "depends_on": {"nodes": []},
                }
            }
        },
        "return_code": 1,
    },
}


@pytest.fixture(params=SOURCES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(kind: str, tmp_path: Path) -> Any:
    def nothing(name: str) -> Any:
        raise AssertionError(f"An event source asked for {name}, and may only parse")

    config = {"namespace": f"{kind}://own"}
    return registry.load(kind)(Wiring("own", config, nothing, nothing, tmp_path))


def test_it_is_what_the_registry_says(source: Any) -> None:
    assert isinstance(source, EventSource) and isinstance(source, ports.Testable)
    assert source.test().message


def test_a_failure_is_read_as_one(source: Any, kind: str) -> None:
    (read,) = source.parse(EVENT_KIND[kind], PAYLOADS[kind])
    assert read.status in {"failed", "firing"} and read.environment == "production"
    assert "boom" in str(read) or "stale" in str(read)


def test_what_is_read_survives_json(source: Any, kind: str) -> None:
    (read,) = source.parse(EVENT_KIND[kind], PAYLOADS[kind])
    shape: type[Any] = RunReport if isinstance(read, RunReport) else Alert
    assert from_json(shape, as_json(read)) == read


def test_the_same_event_has_the_same_fingerprint_and_reads_the_same(source: Any, kind: str) -> None:
    event, payload = EVENT_KIND[kind], PAYLOADS[kind]
    assert source.fingerprint(event, payload) == source.fingerprint(event, dict(reversed(payload.items())))
    assert source.parse(event, payload) == source.parse(event, payload)
