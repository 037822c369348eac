"""What comes in by HTTP: kept before it is acknowledged, once however often it comes, and nothing of a stranger's."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from app.core.models import AuditRecord
from integrations import inbound, postbox
from integrations.models import Act, Connection
from integrations.slack.keys import KEYS
from tests.slack_server import Message, Slack, by_client

BUTTON = {"type": "button", "action_id": "approve", "text": {"type": "plain_text", "text": "A"}, "value": "n_1"}
LINK = {**BUTTON, "action_id": "link-edit", "url": "http://127.0.0.1:8000/"}


@pytest.fixture
def connection(slack: Slack, transactional_db: None, settings: Any, tmp_path: Path) -> Connection:
    settings.DATA_DIR = tmp_path
    made = slack.connect()
    slack.door = by_client(Client(raise_request_exception=False))
    slack.person("U1")
    KEYS.forget()
    cache.clear()
    return made


@pytest.fixture
def message(slack: Slack) -> Message:
    made = Message("C0001", "1.1", "t", [{"type": "actions", "elements": [BUTTON, LINK]}])
    slack.messages["C0001", "1.1"] = made
    return made


def kept(count: int = 1) -> list[Act]:
    """Once the letter box is empty."""
    end = time.monotonic() + 30
    while postbox.waiting() and time.monotonic() < end:
        time.sleep(0.01)
    acts = list(Act.objects.order_by("pk"))
    assert len(acts) == count
    return acts


def test_a_press_is_kept_as_it_came_and_answered_with_nothing(
    slack: Slack, connection: Connection, message: Message
) -> None:
    assert slack.press("U1", message, "approve").answer == (200, b"")
    act = kept()[0]
    assert (act.connection, act.team, act.person, act.kind) == (connection, "T0001", "U1", "block_actions")
    assert (act.verb, act.nonce, act.channel, act.message) == ("approve", "n_1", "C0001", "1.1")
    assert act.trigger and act.action_ts and act.done_at is None


def test_five_hundred_replays_and_every_retry_are_one_act(
    slack: Slack, connection: Connection, message: Message
) -> None:
    sent = slack.press("U1", message, "approve")
    for number in range(500):
        assert slack.again(sent, number % 4)[0] == 200
    assert kept()[0].verb == "approve"


def test_a_form_closes_and_what_was_typed_is_kept(slack: Slack, connection: Connection) -> None:
    view = {
        "id": "V1", "hash": "1.2", "type": "modal", "callback_id": "reject", "private_metadata": "n_2",
        "blocks": [{"type": "input", "block_id": "words", "element": {"type": "plain_text_input", "action_id": "w"}}],
    }  # fmt: skip
    sent = slack.submit("U1", view, words="Month-end rate.")
    assert json.loads(sent.answer[1]) == {"response_action": "clear"}
    slack.again(sent)
    act = kept()[0]
    assert (act.kind, act.verb, act.nonce, act.payload) == (
        "view_submission", "reject", "n_2", {"words": "Month-end rate."},
    )  # fmt: skip


def test_the_command_and_a_reply_in_a_thread_of_ours_are_kept(
    slack: Slack, connection: Connection, message: Message
) -> None:
    assert slack.command("U1", "Link please").answer == (200, b"")
    slack.write("U1", message, "Tokyo stores go live.")
    slack.event({"type": "tokens_revoked", "tokens": {"bot": ["UBOT"]}})
    acts = kept(3)
    assert [(act.kind, act.verb, act.message) for act in acts] == [
        ("command", "link", ""), ("message", "", "1.1"), ("event", "tokens_revoked", ""),
    ]  # fmt: skip
    assert acts[1].payload == {"text": "Tokyo stores go live."}


@pytest.mark.parametrize(
    "more",
    [
        {"parent_user_id": "U9"}, {"bot_id": "B1"}, {"subtype": "message_changed"}, {"thread_ts": None},
        {"user": "UBOT"}, {"hidden": True}, {"user": None}, {"type": "app_mention"},
    ],
)  # fmt: skip
def test_what_is_said_elsewhere_is_not_kept(
    slack: Slack, connection: Connection, message: Message, more: dict[str, Any]
) -> None:
    assert slack.write("U1", message, "hello", **more).answer[0] == 200
    assert slack.press("U1", message, "link-edit").answer[0] == 200
    kept(0)


def test_slacks_question_is_answered_to_slack_alone(slack: Slack, connection: Connection) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c" * 20}).encode()
    sent = slack.deliver("/slack/events", body, "application/json", {}, "")
    assert json.loads(sent.answer[1]) == {"challenge": "c" * 20}
    slack.signing_secret = "another"
    assert slack.deliver("/slack/events", body, "application/json", {}, "").answer[0] == 401


def test_a_forgery_is_refused_and_a_flood_of_them_is_one_record(
    slack: Slack, connection: Connection, message: Message
) -> None:
    slack.signing_secret = "another"
    for _ in range(20):
        assert slack.press("U1", message, "approve").answer[0] == 401
    kept(0)
    record = AuditRecord.objects.get(event="door.denied")
    assert (record.source["door"], record.outcome, record.subject["name"]) == ("slack", "denied", "/slack/interactions")


@pytest.mark.parametrize(
    "body",
    [b"", b"payload", b"payload=%7B", b"payload=[]", b"payload=" + b"[" * 50_000, b"payload=%ff", b"\xff",
     b"payload=null", b"payload=%7B%22type%22%3A%22block_actions%22%2C%22actions%22%3A%5B7%5D%7D"],
)  # fmt: skip
def test_what_slack_would_never_send_breaks_nothing(slack: Slack, connection: Connection, body: bytes) -> None:
    form = "application/x-www-form-urlencoded"
    assert slack.deliver("/slack/interactions", body, form, {}, "").answer[0] in {200, 400}
    assert slack.deliver("/slack/events", body, "application/json", {}, "").answer[0] in {200, 400}
    kept(0)


def test_too_much_and_another_kind_of_body_are_refused(slack: Slack, connection: Connection) -> None:
    form = "application/x-www-form-urlencoded"
    assert slack.deliver("/slack/interactions", b"payload=" + b"x" * 1_000_001, form, {}, "").answer[0] == 401
    assert slack.deliver("/slack/interactions", b"payload=%7B%7D", "application/json", {}, "").answer[0] == 400


def test_a_secret_changes_over_and_the_one_before_is_retired(
    slack: Slack, connection: Connection, message: Message
) -> None:
    old = slack.signing_secret
    inbound.put(connection, "signing_secret", "fresh-secret")
    KEYS.forget()
    for secret in (old, "fresh-secret"):
        slack.signing_secret = secret
        assert slack.press("U1", message, "approve").answer[0] == 200
    inbound.retire(connection, "signing_secret")
    KEYS.forget()
    slack.signing_secret = old
    assert slack.press("U1", message, "approve").answer[0] == 401
    kept(2)


@pytest.mark.parametrize("change", [{"enabled": False}, {"config": {"mode": "socket"}}, {"kind": "webhook"}])
def test_a_connection_that_slack_does_not_call_lets_nobody_in(
    slack: Slack, connection: Connection, message: Message, change: dict[str, Any]
) -> None:
    Connection.objects.update(**change)
    KEYS.forget()
    assert slack.press("U1", message, "approve").answer[0] == 401
    kept(0)


def test_a_letter_that_nobody_can_read_stands_in_nobodys_way(
    slack: Slack, connection: Connection, message: Message, tmp_path: Path
) -> None:
    slack.press("U1", message, "approve")
    kept()
    for name, text in [("0-half", "{"), ("0-list", "[]"), ("0-strange", json.dumps({"team": 1})), ("0-nul", "\0")]:
        (tmp_path / "postbox" / "new" / name).write_text(text)
    said = json.loads(json.dumps(vars(postbox.Arrival("T0001", "U1", "command", "1.1"))))
    good = {**said, "connection": "slack", "received_at": "2026-11-20T00:00:00+00:00"}
    for name, more in [("0-gone", {"connection": "gone"}), ("0-long", {"team": "T" * 60}), ("0-well", {})]:
        (tmp_path / "postbox" / "new" / name).write_text(json.dumps({**good, **more}))
    postbox.carry()
    assert sorted(path.name for path in (tmp_path / "postbox" / "bad").iterdir()) == [
        "0-gone", "0-half", "0-list", "0-long", "0-nul", "0-strange",
    ]  # fmt: skip
    assert [act.kind for act in kept(2)] == ["block_actions", "command"]
