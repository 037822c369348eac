from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client, override_settings

from app.accounts import tokens
from app.core.audit import Actor, Source
from app.core.models import User
from knowledge.models import Entry

NOTE: dict[str, Any] = {"kind": "runbook", "title": "Rates", "rule": "asset = raw.rates", "body": "Wait.",
        "hints": [{"kind": "contact", "who": "Carla"}]}  # fmt: skip
ADDRESS = "/api/v1/knowledge"


def client(person: User, *scopes: str) -> Client:
    made = tokens.make(person, "t", scopes=scopes, days=1, actor=Actor.of(person), source=Source("api"))
    return Client(headers={"Authorization": f"Bearer {made[1]}"})


def send(to: Client, method: str, address: str, body: dict[str, Any]) -> Any:
    return to.generic(method, address, data=json.dumps(body), content_type="application/json")


def test_what_comes_by_token_is_a_draft_that_a_person_signs(operator: User, approver: User) -> None:
    by_token = client(operator, "read", "propose")
    made = send(by_token, "POST", ADDRESS, NOTE).json()
    assert (made["state"], made["trust"], made["hints"]) == ("draft", "draft", [{**NOTE["hints"][0], "channel": ""}])
    asked = {"assets": {"raw.rates": 0}}
    assert send(by_token, "POST", f"{ADDRESS}/recall", asked).json() == []
    assert send(by_token, "POST", f"{ADDRESS}/{made['id']}/sign", {"version": 1}).status_code == 403
    with override_settings(DECIDE_BY_TOKEN=True):
        signer = client(approver, "read", "decide")
        assert send(signer, "POST", f"{ADDRESS}/{made['id']}/sign", {"version": 1}).json()["state"] == "signed"
    assert send(signer, "POST", f"{ADDRESS}/{made['id']}/sign", {"version": 1}).status_code == 403  # it is off again
    (hit,) = send(by_token, "POST", f"{ADDRESS}/recall", asked).json()
    assert (hit["title"], hit["why"], hit["applies"]) == ("Rates", "about raw.rates", True)
    assert send(by_token, "PATCH", f"{ADDRESS}/{made['id']}", {**NOTE, "version": 1}).status_code == 403
    assert by_token.get(ADDRESS).json()["items"][0]["title"] == "Rates"


def test_saving_on_an_old_version_answers_with_the_other_ones_text(operator: User) -> None:
    by_token = client(operator, "read", "propose")
    made = send(by_token, "POST", ADDRESS, NOTE).json()
    address = f"{ADDRESS}/{made['id']}"
    assert send(by_token, "PATCH", address, {**NOTE, "body": "First.", "version": 1}).json()["version"] == 2
    late = send(by_token, "PATCH", address, {**NOTE, "body": "Second.", "version": 1})
    assert (late.status_code, late.json()["error"], late.json()["theirs"]["body"]) == (409, "stale", "First.")
    assert [row["number"] for row in by_token.get(f"{address}/revisions").json()] == [2, 1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rule": "tabel = x"}, "Line 1, character 1"),
        ({"hints": [{"kind": "x"}]}, "Hint 1"),
        ({"owner": "x"}, "nob"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(operator: User, change: dict[str, Any], says: str) -> None:
    answer = send(client(operator, "propose"), "POST", ADDRESS, {**NOTE, **change})
    assert answer.status_code == 422
    assert says in answer.json()["message"]
    assert not Entry.objects.exists()
