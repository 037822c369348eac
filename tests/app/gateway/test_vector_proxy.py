from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from app.gateway import cover
from incidents.agent.records import ModelCall
from integrations import gateway_client, grants, vault
from integrations.models import Connection
from tests import factories
from tests.gateway_fixture import gateway
from tests.model_server import ModelServer, model_server, text

__all__ = ["gateway"]
KEY = "sk-test-0123456789abcdefghij"


@pytest.fixture
def upstream(gateway: None) -> Iterator[ModelServer]:
    with model_server(lambda asked, number: text("ready")) as server:
        for name in ("model", "embedding"):
            config = {"provider": "local", "model": "m", "base_url": server.url, "price_in": "1", "per_day": "0.0001"}
            vault.put(Connection.objects.create(name=name, kind=name, config=config), "key", KEY)
        cover.forget()
        yield server


def ask(given: Any, model: str = "embedding") -> httpx.Response:
    token = grants.mint(None, [], [], model=model)
    with httpx.Client(transport=gateway_client.TRANSPORT, base_url="http://gateway") as http:
        return http.post("/model/v1/embeddings", json=given, headers={"Authorization": f"Bearer {token}"})


def test_the_key_is_added_secrets_are_covered_and_the_call_is_counted(upstream: ModelServer) -> None:
    vault.put(factories.connection("warehouse"), "dsn", "postgresql://svc:Correct-Horse-9@db/wh")
    cover.forget()
    assert len(ask({"input": ["a lorry", "Correct-Horse-9"], "model": "dearest"}).json()["data"]) == 2
    assert upstream.keys == [f"Bearer {KEY}"] and "Correct-Horse-9" not in upstream.words
    assert upstream.heard[0]["model"] == "m"
    call = ModelCall.objects.get()
    assert (call.state, call.tokens_in, call.cost, call.answer) == ("ok", 7, Decimal("0.000007"), None)


def test_one_question_is_answered_from_the_record(upstream: ModelServer) -> None:
    assert ask({"input": ["a lorry"]}).json() == ask({"input": ["a lorry"]}).json()
    assert upstream.embedded == ["a lorry"]


def test_the_money_for_vectors_is_their_own(upstream: ModelServer) -> None:
    ModelCall.objects.create(nonce="x", model="other:chat", request_digest="x", state="ok", cost="9")
    assert ask({"input": ["a lorry"]}).status_code == 200
    refused = ask({"input": ["much " * 100]})
    assert (refused.status_code, refused.json()["error"]["type"]) == (429, "over_budget")


@pytest.mark.parametrize("given", [{}, {"input": []}, {"input": "a"}, {"input": [1]}, {"input": [" "]},
                                   {"input": ["a"] * 65}, {"input": [[1, 2]]}])  # fmt: skip
def test_what_is_no_list_of_texts_is_not_asked(upstream: ModelServer, given: dict[str, Any]) -> None:
    assert ask(given).status_code == 422 and upstream.heard == []


@pytest.mark.parametrize("model", ["model", "", "warehouse"])
def test_a_grant_for_another_model_makes_no_vectors(upstream: ModelServer, model: str) -> None:
    assert ask({"input": ["a"]}, model).status_code == 422 and upstream.heard == []
