"""Recall by vectors, on a real pgvector: the extension and its table are made within the test's transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from app.core.audit import Actor
from app.core.models import User
from app.gateway import cover
from integrations import gateway_client, set_up, vault
from integrations.models import Connection
from knowledge import by_meaning, vectors
from knowledge.embed import embed_missing
from knowledge.models import Entry
from knowledge.recall import Hit, recall
from knowledge.rule import Case
from knowledge.write import Content, create, update
from tests.gateway_fixture import gateway
from tests.model_server import ModelServer, model_server, text

__all__ = ["gateway"]
KEY = "sk-vectors-0123456789abcdefghij"


@pytest.fixture
def server(gateway: None) -> Iterator[ModelServer]:
    by_meaning.forget()
    with model_server(lambda asked, number: text("ready")) as running:
        config = {"provider": "local", "model": "e", "base_url": running.url, "least": "0.3"}
        made = Connection.objects.create(name="embedding", kind="embedding", config=config)
        vault.put(made, "key", KEY)
        cover.forget()
        yield running


@pytest.fixture
def pgvector(db: None) -> None:
    vectors.prepare()
    assert vectors.refusal() == ""


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer than people wait."""
    monkeypatch.setattr(by_meaning, "WAIT", 30.0)


def write(by: User, title: str, **more: object) -> Entry:
    return create(Content("annotation", title, **more), by=by, actor=Actor.of(by), source="web")  # type: ignore[arg-type]


def found(question: str, viewer: User | None = None) -> list[Hit]:
    return recall(Case(text=question), viewer)


def test_a_note_is_found_by_what_it_means_and_the_hit_says_so(
    operator: User, server: ModelServer, pgvector: None, patient: None
) -> None:
    wanted = write(operator, "A lorry waits at customs")
    write(operator, "Physician lists are late")
    assert found("truck") == []
    assert embed_missing() == 2 and embed_missing() == 0
    hits = found("truck")
    assert [hit.entry for hit in hits] == [wanted]
    assert hits[0].why.startswith("close in meaning (0.") and not hits[0].applies
    assert set(server.keys) == {f"Bearer {KEY}"}


def test_a_changed_note_gets_a_new_vector_and_the_same_text_none(
    operator: User, server: ModelServer, pgvector: None, patient: None
) -> None:
    made = write(operator, "A lorry waits")
    embed_missing()
    asked = len(server.embedded)
    as_it_was, changed = Content("runbook", "A lorry waits"), Content("runbook", "Physician")
    update(made, as_it_was, version=1, by=operator, actor=Actor.of(operator), source="web")
    assert embed_missing() == 0 and len(server.embedded) == asked and vectors.missing("local:e", 9) == []
    update(made, changed, version=2, by=operator, actor=Actor.of(operator), source="web")
    assert embed_missing() == 1
    assert found("truck") == [] and [hit.entry.pk for hit in found("doctor")] == [made.pk]


def test_what_only_some_may_read_is_neither_sent_nor_found(
    operator: User, viewer: User, server: ModelServer, pgvector: None, patient: None
) -> None:
    made = write(operator, "A lorry waits")
    secret = write(operator, "A lorry of the board", readers=("auditor",))
    assert embed_missing() == 1 and "board" not in server.words
    assert [hit.entry for hit in found("truck", viewer)] == [made]
    Entry.objects.filter(pk=made.pk).update(readers=["auditor"])  # its vector is still there
    assert found("truck", viewer) == [] and found("truck") == []
    assert [hit.entry for hit in found("truck", operator)] == [made] and secret.pk != made.pk
    assert embed_missing() == 0 and found("truck", operator) == []


def test_a_model_that_is_late_is_not_waited_for_and_not_asked_again(
    operator: User, server: ModelServer, pgvector: None, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    write(operator, "A lorry of Eastwell waits")
    embed_missing()
    server.held, heard, embedded = threading.Event(), len(server.heard), len(server.embedded)
    monkeypatch.setattr(gateway_client, "TRANSPORT", None)
    settings.GATEWAY_URL = server.url  # a real way to something that does not answer
    for question in ("Eastwell truck", "truck of Eastwell"):
        (hit,) = found(question)
        assert hit.why == "worded alike: eastwel"
    assert len(server.heard) <= heard + 1 and len(server.embedded) == embedded
    server.held.set()


def test_recall_asks_for_a_question_once_and_takes_few_queries(
    operator: User, server: ModelServer, pgvector: None, patient: None
) -> None:
    for number in range(30):
        write(operator, f"A lorry waits, {number}")
    embed_missing()
    assert len(found("truck")) == 8
    asked = len(server.embedded)
    with CaptureQueriesContext(connection) as queries:
        found("truck")
    assert (len(queries), len(server.embedded)) == (9, asked)  # 5 of the others; a model, a table, a savepoint


def test_trying_it_says_how_long_a_vector_is(server: ModelServer) -> None:
    assert set_up.test(Connection.objects.get()).message == "local:e answered with a vector of 384 numbers."


@pytest.mark.parametrize("said", [b"[]", b'{"data": []}', b'{"data": [{"index": 0, "embedding": [1, "x"]}]}',
                                  b'{"data": [{"index": 0, "embedding": [0, 0]}]}', 500])  # fmt: skip
def test_an_answer_that_is_no_vector_is_none(
    operator: User, server: ModelServer, pgvector: None, patient: None, monkeypatch: pytest.MonkeyPatch, said: object
) -> None:
    monkeypatch.setattr("tests.model_server._vectors", lambda *_: said)
    write(operator, "A lorry waits")
    assert embed_missing() == 0 and found("truck") == []
    assert not set_up.test(Connection.objects.get()).ok


def test_without_pgvector_recall_goes_on_and_the_reason_is_told(operator: User, server: ModelServer) -> None:
    made = write(operator, "A lorry of Eastwell waits")
    assert "pgvector" in vectors.refusal() and embed_missing() == 0
    assert [hit.entry for hit in found("Eastwell truck")] == [made]
    assert server.embedded == []
