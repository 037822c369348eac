"""The doors: the key, the caps, the answers, and what the trail keeps of a refusal."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from app.core.models import AuditRecord
from incidents.models import Event
from incidents.webhooks import EVENT_LIMIT
from integrations import connections
from integrations.models import Connection
from tests.factories import connection

pytestmark = pytest.mark.django_db
EVENT = {
    "eventType": "START",
    "eventTime": "2026-05-22T02:30:00Z",
    "run": {"runId": "r1"},
    "job": {"namespace": "af", "name": "x"},
}


@pytest.fixture(autouse=True)
def only_doors() -> Iterator[None]:
    cache.clear()
    with override_settings(ROOT_URLCONF="incidents.doors"):
        yield


def door(kind: str) -> tuple[Connection, dict[str, str]]:
    source = connection(f"from-{kind}", kind)
    return source, {"Authorization": f"Bearer {connections.rotate_key(source)}"}


def post(path: str, body: Any, headers: dict[str, str]) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Client().post(path, raw, content_type="application/json", headers=headers)


def test_a_lineage_event_is_kept_before_201_and_a_duplicate_is_2xx() -> None:
    source, key = door("openlineage")
    assert post("/api/v1/lineage", EVENT, key).status_code == 201
    again = post("/api/v1/lineage", gzip.compress(json.dumps(EVENT).encode()), {**key, "Content-Encoding": "gzip"})
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert Event.objects.get().connection == source


def test_a_wrong_key_is_401_and_a_flood_of_them_is_one_record() -> None:
    _, webhook = door("webhook")
    for headers in ({}, {"Authorization": "Bearer cs_wrong"}, {"Authorization": "Basic eDp5"}, webhook):
        answer = post("/api/v1/lineage", EVENT, headers)
        assert answer.status_code == 401 and answer.json()["error"] == "key_refused"
    assert AuditRecord.objects.filter(event="door.denied", outcome="denied").count() == 1
    assert not Event.objects.exists()


def test_a_disabled_connection_takes_nothing() -> None:
    source, key = door("openlineage")
    Connection.objects.filter(pk=source.pk).update(enabled=False)
    assert post("/api/v1/lineage", EVENT, key).status_code == 401


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b'{"a": NaN}', b'{"a": 1e999}', b"\xff\xfe{", b'{"a":' * 200 + b"1" + b"}" * 200]
)
def test_a_broken_body_is_400_within_50_ms(body: bytes) -> None:
    _, key = door("webhook")
    post("/api/v1/events", b"{", key)
    began = time.thread_time()  # its own work, whatever else the machine does
    answer = post("/api/v1/events", body, key)
    assert time.thread_time() - began < 0.05
    assert answer.status_code == 400 and answer.json()["message"]


def test_what_is_too_large_is_413_packed_or_not() -> None:
    _, key = door("webhook")
    bomb = gzip.compress(b" " * (EVENT_LIMIT * 50))
    for body in (b" " * (EVENT_LIMIT + 1), bomb):
        began = time.thread_time()  # its own work, whatever else the machine does
        assert post("/api/v1/events", body, key).status_code == 413
        assert time.thread_time() - began < 0.05
    deep = b"[" * (EVENT_LIMIT - 10)
    assert post("/api/v1/events", deep, key).status_code == 400


def test_text_that_a_database_refuses_is_kept_without_it() -> None:
    _, key = door("webhook")
    body = b'{"name": "a\\u0000b", "service": "x", "message": "half \\ud83d end"}'
    assert post("/api/v1/events", body, key).status_code == 201
    assert Event.objects.get().payload["name"] == "ab"


def test_a_get_changes_nothing() -> None:
    _, key = door("webhook")
    assert Client().get("/api/v1/events", headers=key).status_code == 405


def test_the_key_may_stand_in_the_path_and_is_never_recorded() -> None:
    source = connection("monitor", "webhook")
    key = connections.rotate_key(source)
    alert = {"routing_key": "x", "event_action": "trigger", "dedup_key": "k", "payload": {"summary": "orders is stale"}}
    answer = post(f"/hooks/monitor/{key}", alert, {})
    assert (answer.status_code, answer.json()["dedup_key"]) == (202, "k")
    assert post(f"/hooks/other/{key}", alert, {}).status_code == 401
    assert key not in str(AuditRecord.objects.get(event="door.denied").__dict__)


def test_artifacts_come_as_a_form_with_files() -> None:
    _, key = door("dbt")
    results = {"metadata": {"invocation_id": "i1"}, "results": []}
    form = {
        "run_results": SimpleUploadedFile("run_results.json", gzip.compress(json.dumps(results).encode())),
        "log": SimpleUploadedFile("dbt.log", b"line \x1b[31mred"),
        "return_code": "0",
        "commit": "abc",
    }
    assert Client().post("/api/v1/dbt/artifacts", form, headers=key).status_code == 201
    payload = Event.objects.get().payload
    assert payload["run_results"] == results and payload["return_code"] == 0 and payload["commit"] == "abc"
    assert Client().post("/api/v1/dbt/artifacts", {"commit": "abc"}, headers=key).status_code == 400


def test_a_sender_in_a_loop_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("incidents.webhooks.A_MINUTE", 2)
    _, key = door("openlineage")
    answers = [post("/api/v1/lineage", {**EVENT, "run": {"runId": f"r{n}"}}, key) for n in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[-1].headers["Retry-After"] == "60"
    assert Event.objects.count() == 2


@pytest.mark.parametrize(
    ("behind", "forwarded", "seen"),
    [(True, "6.6.6.6, 10.1.2.3", "10.1.2.3"), (True, "nonsense", "127.0.0.1"), (False, "10.1.2.3", "127.0.0.1")],
)
def test_behind_our_proxy_the_address_it_added_is_the_callers(behind: bool, forwarded: str, seen: str) -> None:
    with override_settings(BEHIND_PROXY=behind):
        post("/api/v1/lineage", EVENT, {"X-Forwarded-For": forwarded})
    assert AuditRecord.objects.get(event="door.denied").source["ip"] == seen
