"""Somebody's own agent: a real MCP client against the real process, with a token that the API refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from django.test import Client
from httpx2 import AsyncClient
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from app.accounts import tokens
from app.core.audit import Actor, Source
from app.core.errors import NotAllowed
from app.core.models import AuditRecord, User
from approvals.authority import is_own
from approvals.models import Proposal
from incidents.models import Diagnosis, Incident, ToolCall
from tests import factories
from tests.incidents.diagnosing import World
from tests.processes import granian

DIFF = "--- a/models/orders.sql\n+++ b/models/orders.sql\n@@ -1 +1 @@\n-select amont from x\n+select amount from x\n"


@pytest.fixture
def url(transactional_db: None) -> Iterator[str]:
    with granian("app.gateway:application", "asgi") as port:
        yield f"http://127.0.0.1:{port}/mcp"


@pytest.fixture
def incident(transactional_db: None, tmp_path: Path) -> Incident:
    world = World(tmp_path)
    world.commit("Begin", models__orders="select amont from x\n")
    job, orders = world.asset("dbt", "dbt run", kind="job"), world.asset("dbt", "orders", path="models/orders.sql")
    found = world.failure(orders, 'column "amont" not found', job=job)
    facts = {"subtype": "binder", "runner": "shop", "failed": [orders.ref.uri]}
    Diagnosis.objects.create(
        incident=found, failure_class="code", subtype="binder", root_cause="amont", confidence="0.8", facts=facts,
        produced_by="rules 1", claims=[{"text": "amont is not there", "cites": ["E1"]}],
    )  # fmt: skip
    Incident.objects.filter(pk=found.pk).update(status="escalated", subtype="binder")
    return found


def token(user: User, *scopes: str, audience: str = "gateway") -> str:
    by: Any = {"actor": Actor.of(user), "source": Source("web")}
    return tokens.make(user, "agent", scopes=scopes, days=1, audience=audience, **by)[1]


def session(url: str, key: str, *wanted: tuple[str, dict[str, Any]]) -> list[Any]:
    """The tools that are listed, then what each call said; an error as a text."""

    async def talk() -> list[Any]:
        async with (
            AsyncClient(headers={"Authorization": f"Bearer {key}"}, trust_env=False) as http,
            streamable_http_client(url, http_client=http) as (read, write, *_),
            ClientSession(read, write) as client,
        ):
            assert (await client.initialize()).server_info.name == "countersign"
            said: list[Any] = [[tool.name for tool in (await client.list_tools()).tools]]
            for name, arguments in wanted:
                result = await client.call_tool(name, arguments)
                told = json.loads(result.content[0].text)  # type: ignore[union-attr]
                said.append(told.get("error") or told["data"])
            return said

    return anyio.run(talk)


def test_a_client_investigates_and_proposes_and_cannot_sign_what_it_proposed(
    url: str, incident: Incident, operator: User, approver: User
) -> None:
    ask = {"incident": incident.number}
    tools, broken, told, context, queued = session(
        url, token(approver, "read", "propose"),
        ("whats_broken", {}), ("diagnose", ask), ("context", {"asset": "orders"}),
        ("propose_fix", {**ask, "action": "patch_code", "why": "A typo.", "diff": DIFF}),
    )  # fmt: skip
    assert tools == ["whats_broken", "diagnose", "context", "search_knowledge", "propose_fix"]
    assert [one["incident"] for one in broken] == [incident.number]
    assert told["diagnosis"]["root_cause"] == "amont" and "patch_code" in told["possible_actions"]
    assert context["incidents"][0]["incident"] == incident.number
    assert queued["status"] == "drafted"
    proposal = Proposal.objects.get()
    assert (proposal.action, proposal.proposer["type"], proposal.editors) == ("patch_code", "agent", [approver.pk])
    assert is_own(proposal, approver) and not is_own(proposal, operator)
    record = AuditRecord.objects.get(event="proposal.drafted")
    assert (record.actor["type"], record.source["door"]) == ("agent", "agent")
    assert [call.caller.split(" of ")[1] for call in ToolCall.objects.all()] == ["approver"] * 4


def test_what_a_token_does_not_name_is_not_there(url: str, incident: Incident, approver: User, viewer: User) -> None:
    fix = {"incident": incident.number, "action": "patch_code", "why": "x", "diff": DIFF}
    tools, said, nothing = session(url, token(approver, "read"), ("propose_fix", fix), ("approve", {"incident": 1}))
    assert "propose_fix" not in tools and "no such tool" in said and "no such tool" in nothing
    assert "needs one of the roles" in session(url, token(viewer, "read", "propose"), ("propose_fix", fix))[1]
    unfit = {**fix, "diff": DIFF.replace("-select amont", "-select other")}
    assert "does not apply" in session(url, token(approver, "propose"), ("propose_fix", unfit))[1]
    assert not Proposal.objects.exists()


def test_each_token_is_good_at_its_own_door_alone(url: str, approver: User) -> None:
    agent, program = token(approver, "read", "propose"), token(approver, "read", audience="api")
    headers = {"Authorization": f"Bearer {agent}"}
    assert Client().get("/api/v1/me", headers=headers).status_code == 401
    assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {program}"}).status_code == 200
    hello = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    for key, status in ((agent, 200), (program, 401), ("x", 401)):
        assert httpx.post(url, json=hello, headers={"Authorization": f"Bearer {key}"}).status_code == status
    assert httpx.get(url, headers=headers).status_code == 405
    with pytest.raises(NotAllowed):
        token(approver, "read", "decide")


def test_a_notes_reader_sees_only_what_the_token_s_person_may_see(url: str, approver: User) -> None:
    assert session(url, token(approver, "read"), ("search_knowledge", {"query": "key of the cluster"}))[1] == []
    assert factories.user("nobody")  # a person without a role has no token to begin with
