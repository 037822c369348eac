from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from app.gateway import cover
from incidents.agent.records import ModelCall
from integrations import gateway_client, grants, set_up, vault
from integrations.models import Connection
from tests import factories
from tests.gateway_fixture import gateway
from tests.model_server import ModelServer, model_server, text

__all__ = ["gateway"]
KEY = "sk-test-0123456789abcdefghij"


@pytest.fixture
def upstream() -> Iterator[ModelServer]:
    with model_server(lambda asked, number: text("ready")) as server:
        yield server


@pytest.fixture
def model(upstream: ModelServer, gateway: None) -> Connection:
    return configure(upstream)


def configure(upstream: ModelServer, **more: Any) -> Connection:
    config = {"provider": "openai", "model": "m", "base_url": upstream.url, **more}
    made = Connection.objects.create(name="model", kind="model", config=config)
    vault.put(made, "key", KEY)
    cover.forget()
    return made


def ask(token: str, path: str = "chat/completions", **more: Any) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": "why?"}], **more}
    with httpx.Client(transport=gateway_client.TRANSPORT, base_url="http://gateway") as http:
        return http.post(f"/model/v1/{path}", json=body, headers={"Authorization": f"Bearer {token}"})


def granted(incident: int | None = None, model: str = "model") -> str:
    return grants.mint(incident, [], [], model=model)


def test_the_gateway_adds_the_key_and_records_the_call(model: Connection, upstream: ModelServer) -> None:
    incident = factories.incident()
    answer = ask(granted(incident.pk))
    assert answer.json()["choices"][0]["message"]["content"] == "ready"
    assert upstream.keys == [f"Bearer {KEY}"]
    call = ModelCall.objects.get()
    assert (call.incident_id, call.state, call.tokens_in, call.tokens_out) == (incident.pk, "ok", 100, 20)
    assert call.cost == Decimal("0.0002")  # 100 at $1 and 20 at $5 a million
    assert KEY not in answer.text


@pytest.mark.parametrize("token", ["", "x.y", "none", "other"])
def test_without_a_grant_for_the_model_nothing_is_asked(model: Connection, upstream: ModelServer, token: str) -> None:
    token = {"none": granted(model=""), "other": granted(model="warehouse")}.get(token, token)
    assert ask(token).status_code in {401, 422}
    assert upstream.heard == []


def test_the_caller_chooses_neither_model_nor_stream_nor_store(model: Connection, upstream: ModelServer) -> None:
    ask(granted(), model="dearest", stream=True, store=True, user="ada", max_tokens=10**9)
    (asked,) = upstream.heard
    assert (asked["model"], asked["stream"], asked["max_tokens"]) == ("m", False, 4000)
    assert not {"store", "user"} & asked.keys()


@pytest.mark.parametrize("path", ["messages", "files", "../admin", "chat/completions/x"])
def test_no_other_address_of_the_provider_is_reached(model: Connection, upstream: ModelServer, path: str) -> None:
    assert ask(granted(), path).status_code in {404, 422}
    assert upstream.heard == []


def test_secrets_are_covered_on_the_way_out_and_back(gateway: None) -> None:
    other = factories.connection("warehouse")
    vault.put(other, "dsn", "postgresql://svc:Correct-Horse-9@db/wh")
    with model_server(lambda asked, number: text("the password is Correct-Horse-9, AKIAABCDEFGHIJKLMNOP")) as server:
        configure(server)
        said = ask(granted(), messages=[{"role": "user", "content": "log: Correct-Horse-9 and token=abcdef123"}])
    assert "Correct-Horse-9" not in server.words and "abcdef123" not in server.words
    assert "Correct-Horse-9" not in said.text and "AKIAABCDEFGHIJKLMNOP" not in said.text
    assert ModelCall.objects.get().covered == 2


@pytest.mark.parametrize(
    ("bound", "value", "says"),
    [
        ("calls", "1", "called 1 times"),
        ("tokens", "4100", "4100 tokens"),
        ("per_incident", "0.0202", "one incident"),
        ("per_connection", "0.0202", "in a day"),
        ("per_day", "0.0202", "for a day"),
    ],
)
def test_a_bound_that_is_reached_refuses_the_next_call(
    upstream: ModelServer, gateway: None, bound: str, value: str, says: str
) -> None:
    configure(upstream, **{bound: value})
    incident = factories.incident()
    assert ask(granted(incident.pk)).status_code == 200
    refused = ask(granted(incident.pk), temperature=1)
    assert (refused.status_code, len(upstream.heard)) == (429, 1)
    assert says in refused.json()["error"]["message"]


def test_the_same_question_is_answered_from_the_record(model: Connection, upstream: ModelServer) -> None:
    assert ask(granted()).json() == ask(granted()).json()
    assert len(upstream.heard) == 1
    assert [call.state for call in ModelCall.objects.order_by("pk")] == ["ok", "cached"]


@pytest.mark.parametrize("said", [429, 500, 302, b"not json", b"[1]", b'{"a":"' + b"x" * 1_000_001 + b'"}'])
def test_a_model_that_fails_is_an_answer_and_a_record(gateway: None, said: int | bytes) -> None:
    with model_server(lambda asked, number: said) as server:
        configure(server)
        answer = ask(granted())
    assert (answer.status_code, answer.json()["error"]["type"]) == (502, "model_failed")
    call = ModelCall.objects.get()
    assert (call.state, call.answer) == ("failed", None)


def test_a_late_model_is_an_answer_too(gateway: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.gateway.model_proxy.TIMEOUT_S", 0.2)
    with model_server(lambda asked, number: 1.0) as server:
        configure(server)
        assert "did not answer within" in ask(granted()).json()["error"]["message"]
    assert ModelCall.objects.get().cost > 0  # it may have been billed


def test_trying_it_goes_the_same_way(model: Connection, upstream: ModelServer) -> None:
    health = set_up.test(model)
    assert health.ok and "openai:m answered" in health.message
    assert upstream.keys == [f"Bearer {KEY}"]


def test_trying_it_says_what_is_wrong(gateway: None) -> None:
    with model_server(lambda asked, number: 401) as server:
        assert "answered 401" in set_up.test(configure(server)).message


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"tools": "all"},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/?key"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": [{"type": "image"}]}]}]},
        {"system": [{"type": "document", "source": {"type": "url", "url": "http://x"}}]},
    ],
)
def test_nothing_is_asked_that_the_provider_would_fetch_or_run(
    model: Connection, upstream: ModelServer, more: dict[str, Any]
) -> None:
    assert ask(granted(), **more).status_code == 422
    assert upstream.heard == []


def test_an_answer_that_never_ends_is_cut_off(model: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []

    def endless() -> Iterator[bytes]:
        while len(sent) < 100:
            sent.append(1)
            yield b" " * 100_000

    monkeypatch.setattr(
        "app.gateway.model_proxy.TRANSPORT", httpx.MockTransport(lambda asked: httpx.Response(200, content=endless()))
    )
    assert ask(granted()).status_code == 502
    assert len(sent) < 15 and ModelCall.objects.get().state == "failed"


def test_an_answer_within_an_answer_is_a_failure(model: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = b'{"a":' * 700 + b"1" + b"}" * 700
    monkeypatch.setattr(
        "app.gateway.model_proxy.TRANSPORT", httpx.MockTransport(lambda asked: httpx.Response(200, content=deep))
    )
    assert ask(granted()).status_code == 502
    assert ModelCall.objects.get().state == "failed"
