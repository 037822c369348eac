"""The connector against a Slack of loopback that is as strict as the real one."""

from __future__ import annotations

from typing import Any

import pytest

from integrations import connections
from integrations.cards import Button, Card, Field, Form, Posted
from integrations.errors import Gone, PermissionDenied, Refused, Unreachable
from integrations.values import Notice
from tests.slack_server import Slack

CARD = Card(
    title="INC-1042: mart.revenue_daily is 38× too high",
    lead="The 02:30 load mixes JPY with USD. Confidence 0.93.",
    facts=(("Proposed fix", "Convert JPY"), ("Risk", "Medium")),
    state="0 of 2 signed.",
    buttons=(
        Button("approve", "Approve, 1 of 2", "n_1", style="primary", confirm="Publishes 212 rows."),
        Button("reject", "Reject…", "n_2"),
        Button("edit", "Edit in console", url="http://127.0.0.1:8000/incidents/1/"),
    ),
    context=("Plan 9f2c 41d7", "rule: two for finance"),
    link="http://127.0.0.1:8000/incidents/1/",
)
FORM = Form(
    "reject",
    "Reject proposal 2 for INC-1042",
    "Nothing changes in production.",
    "Reject proposal",
    "n_2",
    (
        Field("reason", "Why?", (("wrong_cause", "Wrong cause"), ("other", "Other"))),
        Field("words", "What should it have known?", required=False, multiline=True, hint="Kept as a draft."),
    ),
)


@pytest.fixture
def connector(slack: Slack, db: None) -> Any:
    return connections.connector(slack.connect())


def test_a_card_is_posted_changed_in_place_and_answered_in_its_thread(slack: Slack, connector: Any) -> None:
    at = connector.post_card("C0001", CARD)
    shown = slack.messages[at.channel, at.id]
    assert [block["type"] for block in shown.blocks] == [
        "header", "section", "section", "section", "actions", "context",
    ]  # fmt: skip
    assert list(shown.buttons()) == ["approve", "reject", "link-edit"]
    assert shown.buttons()["approve"]["confirm"]["text"]["text"] == "Publishes 212 rows."
    connector.update_card(at, Card("INC-1042: done", "Published 03:04."))
    assert (shown.edits, shown.buttons(), shown.text) == (1, {}, "INC-1042: done")
    reply = connector.reply(at, "Opened.", [("E1", "http://127.0.0.1:8000/incidents/1/#E1")])
    assert slack.messages[reply.channel, reply.id].thread == at.id
    assert slack.thread(shown)[0].blocks[1]["elements"][0]["text"] == "<http://127.0.0.1:8000/incidents/1/#E1|E1>"


def test_a_form_opens_within_its_trigger_and_brings_back_the_nonce_alone(slack: Slack, connector: Any) -> None:
    connector.open_form(slack.trigger("UBOT"), FORM)
    view = slack.views[0]
    assert (view["private_metadata"], view["callback_id"]) == ("n_2", "reject")
    assert [block["type"] for block in view["blocks"]] == ["section", "section", "input", "input"]
    slack.trigger_s = -1.0
    with pytest.raises(Refused, match="expired_trigger_id"):
        connector.open_form(slack.trigger("UBOT"), FORM)


def test_a_whisper_reaches_the_person_where_the_app_is_not_in_the_channel(slack: Slack, connector: Any) -> None:
    slack.person("U1")
    connector.whisper("C0001", "U1", "You signed this at 02:58.", "http://127.0.0.1:8000/")
    assert [row["user"] for row in slack.whispers] == ["U1"]
    slack.room("C0002", "elsewhere", is_member=False)
    connector.whisper("C0002", "U1", "Link your account.")
    assert [row.words for row in slack.main("DU1")] != []


@pytest.mark.parametrize(
    ("said", "kind", "what"),
    [
        ("message_not_found", Gone, "message"),
        ("is_archived", Gone, "channel"),
        ("channel_not_found", Gone, "channel"),
        ("token_revoked", Gone, "grant"),
        ("account_inactive", Gone, "grant"),
        ("missing_scope", PermissionDenied, None),
        ("msg_too_long", Refused, None),
        ("internal_error", Unreachable, None),
        (503, Unreachable, None),
    ],
)
def test_each_error_says_what_to_do_next(
    slack: Slack, connector: Any, said: Any, kind: type[Exception], what: str | None
) -> None:
    slack.say("chat.update", said)
    with pytest.raises(kind) as raised:
        connector.update_card(Posted("C0001", "1.1"), CARD)
    assert getattr(raised.value, "what", None) == what
    assert type(raised.value) is kind
    assert len(slack.heard) == 1, "no retry of its own"


def test_a_rate_limit_says_for_how_long_and_is_not_waited_out_here(slack: Slack, connector: Any) -> None:
    slack.say("chat.postMessage", 17)
    with pytest.raises(Unreachable) as raised:
        connector.post(Notice("", "INC-1", "text", "http://127.0.0.1:8000/"))
    assert raised.value.retry_after_s == 17
    assert connector.post(Notice("", "INC-1", "text", "http://127.0.0.1:8000/"))


def test_no_answer_is_unreachable(slack: Slack, connector: Any) -> None:
    connector.wiring.config["api_url"] = "http://127.0.0.1:9/api/"
    with pytest.raises(Unreachable):
        connector.post_card("C0001", CARD)


@pytest.mark.parametrize(
    ("arrange", "words"),
    [
        (lambda slack: None, "messages go to #data-incidents"),
        (lambda slack: slack.room("C0001", "old", is_archived=True), "was archived"),
        (lambda slack: slack.room("C0001", "data", is_member=False), "The app is not in #data"),
        (lambda slack: slack.channels.clear(), "channel_not_found"),
        (lambda slack: setattr(slack, "revoked", "token_revoked"), "token_revoked"),
        (lambda slack: setattr(slack, "scopes", ("chat:write",)), "lacks the scopes channels:history"),
    ],
)
def test_the_test_of_a_connection_says_what_is_wrong_and_writes_nothing(
    slack: Slack, connector: Any, arrange: Any, words: str
) -> None:
    arrange(slack)
    health = connector.test()
    assert words in health.message
    assert health.ok is (words == "messages go to #data-incidents")
    assert health.ok or health.hint
    assert not slack.messages


def test_in_socket_mode_the_app_level_token_is_tried_too(slack: Slack, db: None) -> None:
    connector = connections.connector(slack.connect(mode="socket"))
    assert connector.test().ok
    slack.app_token = "xapp-other"
    assert not connector.test().ok
