"""Socket Mode against a websocket of our own: kept, then acknowledged; and a line that breaks is there again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database

from integrations import postbox, vault
from integrations.models import Act, Connection
from integrations.slack import socket
from tests.slack_server import Message, Slack

BUTTON = {"type": "button", "action_id": "approve", "text": {"type": "plain_text", "text": "A"}, "value": "n_1"}


@pytest.fixture
def connection(slack: Slack, transactional_db: None, settings: Any, tmp_path: Path) -> Connection:
    settings.DATA_DIR = tmp_path
    slack.person("U1")
    slack.messages["C0001", "1.1"] = Message("C0001", "1.1", "t", [{"type": "actions", "elements": [BUTTON]}])
    return slack.connect(mode="socket")


@pytest.fixture
def listener(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.Listener]:
    monkeypatch.setattr(socket, "LOOK_S", 0.05)
    monkeypatch.setattr(socket, "PATIENCE_S", 0.05)
    made, stop = socket.Listener(), threading.Event()
    thread = threading.Thread(target=made.run, args=(stop,))
    thread.start()
    yield made
    stop.set()
    thread.join(60)
    assert not thread.is_alive()


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def lines(slack: Slack) -> int:
    return sum(line.open for line in slack.sockets)


def press(slack: Slack) -> Any:
    return slack.press("U1", slack.messages["C0001", "1.1"], "approve").answer


def test_what_comes_by_the_socket_is_what_comes_by_http(slack: Slack, listener: socket.Listener) -> None:
    until(lambda: lines(slack) == 1)
    assert press(slack) is None
    view = {
        "id": "V1", "hash": "1.2", "type": "modal", "callback_id": "reject", "private_metadata": "n_2",
        "blocks": [{"type": "input", "block_id": "words", "element": {"type": "plain_text_input", "action_id": "w"}}],
    }  # fmt: skip
    assert slack.submit("U1", view, words="No.").answer == {"response_action": "clear"}
    slack.command("U1", "link")
    slack.write("U1", slack.messages["C0001", "1.1"], "Tokyo goes live.")
    until(lambda: not postbox.waiting())
    acts = [(act.kind, act.verb, act.nonce, act.person) for act in Act.objects.order_by("pk")]
    assert acts == [
        ("block_actions", "approve", "n_1", "U1"), ("view_submission", "reject", "n_2", "U1"),
        ("command", "link", "", "U1"), ("message", "", "", "U1"),
    ]  # fmt: skip


@pytest.mark.parametrize("how", ["asked", "cut"])
def test_a_line_that_breaks_is_there_again(slack: Slack, listener: socket.Listener, how: str) -> None:
    until(lambda: lines(slack) == 1)
    first = slack.sockets[0]
    if how == "asked":
        first.send({"type": "disconnect", "reason": "refresh_requested"})
    else:
        first.drop()
    until(lambda: len(slack.sockets) > 1 and slack.sockets[-1].open and not first.open)
    press(slack)
    until(lambda: Act.objects.count() == 1)


def test_what_cannot_be_kept_is_not_acknowledged(
    slack: Slack, listener: socket.Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    until(lambda: lines(slack) == 1)

    def full(*args: object, **more: object) -> None:
        raise postbox.Full

    monkeypatch.setattr("tests.slack_socket.ANSWER_S", 1.0)
    monkeypatch.setattr(postbox, "drop", full)
    with pytest.raises(TimeoutError):
        press(slack)


def test_lines_follow_the_connections_and_what_is_wrong_is_said(
    slack: Slack, connection: Connection, listener: socket.Listener
) -> None:
    until(lambda: lines(slack) == 1)
    slack.app_token = "xapp-2"
    vault.put(connection, "app_token", "xapp-wrong")
    until(lambda: Connection.objects.get().trouble == "grant")
    vault.put(connection, "app_token", "xapp-2")
    until(lambda: Connection.objects.get().trouble == "" and lines(slack) == 1)
    Connection.objects.update(enabled=False)
    until(lambda: lines(slack) == 0)
    Connection.objects.update(enabled=True, config={**connection.config, "mode": "http"})
    with database.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert listener.lines == {}
