"""An incident, the real gateway as a process, and a scripted server in the model's place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.core.lease import lease
from incidents.agent.refine import Opinion, refine
from incidents.case import Case
from incidents.models import Incident
from incidents.verdict import Verdict, claim
from integrations.models import Connection
from tests.incidents.diagnosing import World
from tests.model_server import ModelServer, Script, calls, model_server
from tests.processes import granian

GOOD: dict[str, Any] = {
    "failure_class": "code",
    "subtype": "binder",
    "root_cause": "The model reads `amont`, which is a typo.",
    "confidence": 0.9,
    "claims": [{"text": "`amont` is not there", "cites": ["E1"]}],
}
READ = calls(("evidence", {"label": "E1"}))


@pytest.fixture(scope="module")
def gateway_port(django_db_setup: None) -> Iterator[int]:
    """The gateway's process, on the database of the tests."""
    with granian("app.gateway:application", "asgi") as port:
        yield port


@contextmanager
def asked(settings: Any, script: Script, *, sandbox: str = "off", **bounds: Any) -> Iterator[ModelServer]:
    """A model that follows the script."""
    settings.SANDBOX = sandbox
    with model_server(script) as server:
        config = {"provider": "openai", "model": "m", "base_url": server.url, "per_incident": "5", **bounds}
        Connection.objects.update_or_create(name="model", defaults={"kind": "model", "config": config})
        yield server


def failure(folder: Path) -> Incident:
    world = World(folder)
    world.commit("Begin", models__orders="select amont from x\n")
    job, orders = world.asset("dbt", "dbt run", kind="job"), world.asset("dbt", "orders", path="models/orders.sql")
    return world.failure(orders, "amont?", job=job)


def looked(incident: Incident, verdict: Verdict | None = None) -> tuple[Opinion, Case]:
    """As the worker asks: evidence first, under the lease."""
    case = Case(incident)
    case.dossier.add("log", "The log", {"lines": [{"n": 1, "text": 'column "amont" not found', "hit": True}]}, "dbt")
    with lease(incident, incident.status) as epoch:
        return refine(case, verdict, epoch), case


@pytest.fixture
def incident(transactional_db: None, tmp_path: Path, gateway_port: int, settings: Any) -> Incident:
    settings.GATEWAY_URL = f"http://127.0.0.1:{gateway_port}"
    return failure(tmp_path)


def ruled(failure_class: str = "code") -> Verdict:
    return Verdict(failure_class, "binder", "The rules say so.", {"subtype": "binder"}, [claim("It is so", "E1")])
