from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from app.core.audit import Actor
from app.core.models import AuditRecord, User
from app.gateway import pins
from incidents.agent.records import AgentSession, AgentStep, ModelCall, ToolPin
from incidents.models import Diagnosis
from integrations import set_up, vault
from integrations.llm import config as models
from integrations.models import Connection, Credential
from knowledge import vectors
from knowledge.write import Content, create
from tests import factories
from tests.gateway_fixture import gateway
from tests.model_server import model_server, text

__all__ = ["gateway"]
FORM = {"provider": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1", "key": "sk-very-secret-0123456789"}


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(user: User) -> str:
    return signed_in(user).get("/settings/models/").content.decode()


def test_without_a_model_the_page_says_that_nothing_is_missing(operator: User) -> None:
    said = page(operator)
    assert "Nothing is missing without a model" in said and "You are a careful data engineer" in said
    assert "Model and bounds" not in said


def test_an_administrator_saves_a_model_and_its_key_goes_to_the_vault(administrator: User) -> None:
    client = signed_in(administrator)
    assert client.post("/settings/models/", FORM).status_code == 302
    config = models.current()
    assert config and (config.label, config.per_incident) == ("openai:m", models.read("model", FORM).per_incident)
    assert "key" not in Connection.objects.get().config and vault.get(Connection.objects.get(), "key") == FORM["key"]
    client.post("/settings/models/", {**FORM, "key": "", "calls": "3"})
    assert models.current().calls == 3 and Credential.objects.count() == 1  # type: ignore[union-attr]
    said = page(administrator)
    assert FORM["key"] not in said and "openai:m" in said
    events = [*AuditRecord.objects.order_by("pk").values_list("event", flat=True)]
    assert events[-2:] == ["connection.created", "connection.changed"]
    assert FORM["key"] not in str([*AuditRecord.objects.values_list("detail", flat=True)])


def test_a_sealed_key_is_not_sent_to_another_address(administrator: User) -> None:
    client = signed_in(administrator)
    client.post("/settings/models/", FORM)
    for elsewhere in ({"base_url": "http://127.0.0.1:8/v1"}, {"base_url": "", "provider": "groq"}):
        said = client.post("/settings/models/", {**FORM, "key": "", **elsewhere})
        assert "Enter the key again" in said.content.decode()
    assert Connection.objects.get().config["base_url"] == FORM["base_url"]
    assert client.post("/settings/models/", {**FORM, "base_url": "http://127.0.0.1:8/v1"}).status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("base_url", "file:///etc/passwd", "must begin with http"),
        ("base_url", "http://169.254.169.254/v1", "about itself"),
        ("base_url", "http://0xa9fea9fe/v1", "about itself"),
        ("base_url", "http://[::ffff:a9fe:a9fe]/v1", "about itself"),
        ("base_url", "http://Metadata.Google.internal./v1", "about itself"),
        ("base_url", "http://ada:secret@127.0.0.1/v1", "no user"),
        ("base_url", "http://127.0.0.1/v1?to=", "no user"),
        ("base_url", "http://[/v1", "cannot be read"),
        ("calls", "many", "whole number"),
        ("per_day", "-1", "below zero"),
        ("per_day", "NaN", "below zero"),
        ("floor", "loud", "least severity"),
        ("model", "", "required"),
    ],
)
def test_a_bound_that_cannot_be_read_is_not_saved(administrator: User, field: str, value: str, says: str) -> None:
    answer = signed_in(administrator).post("/settings/models/", {**FORM, field: value})
    assert says in answer.content.decode() and not Connection.objects.exists()


def test_the_environment_names_another_model(settings: Any, administrator: User) -> None:
    signed_in(administrator).post("/settings/models/", FORM)
    settings.MODEL = "anthropic:other"
    assert models.current().label == "anthropic:other"  # type: ignore[union-attr]
    settings.MODEL = "other"
    assert "must read provider:name" in page(administrator)


def test_trying_it_shows_what_it_said(administrator: User, gateway: None) -> None:
    client = signed_in(administrator)
    with model_server(lambda asked, number: text("ready")) as server:
        client.post("/settings/models/", {**FORM, "base_url": server.url})
        assert "Trying" in client.post("/settings/models/try/", follow=True).content.decode()
        set_up.test(Connection.objects.get())
    assert "openai:m answered" in client.get("/settings/models/tried/").content.decode()
    assert "$0.0002" in client.get("/settings/models/").content.decode()


def test_a_changed_tool_is_shown_and_trusted_by_an_administrator(administrator: User, operator: User) -> None:
    pins.quarantined()
    ToolPin.objects.filter(name="changes").update(digest="0" * 64)
    assert "Trust it as it is now" not in page(operator)
    said = page(administrator)
    assert "reads differently" in said and "Trust it as it is now" in said
    pin = ToolPin.objects.get(name="changes")
    signed_in(administrator).post(f"/settings/models/tools/{pin.pk}/trust/", {"digest": pin.changed_digest})
    assert "reads differently" not in page(administrator)


def test_an_incident_shows_what_the_model_read_and_said(viewer: User) -> None:
    incident = factories.incident(status="escalated")
    claims = [{"text": "It is so", "cites": ["E1"], "by": "model"}]
    made = Diagnosis.objects.create(
        incident=incident, failure_class="code", root_cause="x", confidence="0.6", claims=claims, produced_by="rules 1"
    )
    where = f"/incidents/{incident.number}/"
    assert "By rules alone" in signed_in(viewer).get(where).content.decode()
    session = AgentSession.objects.create(
        incident=incident, diagnosis=made, model="openai:m", prompt_hash="ab" * 32, sandbox="off", outcome="concluded",
        dropped=2,
    )  # fmt: skip
    AgentStep.objects.create(session=session, number=0, kind="said", text="<script>alert(1)</script>")
    said = signed_in(viewer).get(where).content.decode()
    for words in ("the model:", "no rule did", "2 unsupported claims dropped", "without a sandbox", "abababababab"):
        assert words in said
    assert "<script>alert" not in said
    assert not ModelCall.objects.exists()


EMBEDDING = {
    "kind": "embedding", "embedding-provider": "local", "embedding-model": "e", "embedding-key": FORM["key"],
    "embedding-base_url": "http://127.0.0.1:9/v1",
}  # fmt: skip


def test_a_model_for_vectors_stands_beside_the_other_one(administrator: User, operator: User) -> None:
    client = signed_in(administrator)
    client.post("/settings/models/", FORM)
    assert client.post("/settings/models/", EMBEDDING).status_code == 302
    found = models.embedding()
    assert found and (found.label, found.address, found.least) == ("local:e", "http://127.0.0.1:9/v1", 0.5)
    assert models.current().label == "openai:m"  # type: ignore[union-attr]
    assert vault.get(Connection.objects.get(kind="embedding"), "key") == FORM["key"]
    said = page(operator)
    assert "local:e" in said and "pgvector" in said and "Name a model" not in said
    assert "Trying" in client.post("/settings/models/try/", {"kind": "embedding"}, follow=True).content.decode()
    moved = {**EMBEDDING, "embedding-key": "", "embedding-base_url": "http://127.0.0.1:8/v1"}
    assert "Enter the key again" in client.post("/settings/models/", moved).content.decode()


@pytest.mark.parametrize(
    ("change", "says"),
    [({"embedding-provider": "anthropic", "embedding-base_url": ""}, "makes no vectors"),
     ({"embedding-least": "2"}, "between 0 and 1"), ({"embedding-base_url": "http://169.254.169.254/v1"}, "itself")],
)  # fmt: skip
def test_a_model_for_vectors_that_cannot_be_used_is_not_saved(
    administrator: User, change: dict[str, str], says: str
) -> None:
    said = signed_in(administrator).post("/settings/models/", {**EMBEDDING, **change}).content.decode()
    assert says in said and not Connection.objects.exists()


def test_the_page_counts_the_notes_that_have_a_vector(administrator: User) -> None:
    vectors.prepare()
    signed_in(administrator).post("/settings/models/", EMBEDDING)
    author = Actor.of(administrator)
    create(Content("runbook", "A lorry waits"), by=administrator, actor=author, source="web")
    assert "0 of 1 notes have a vector" in page(administrator)
