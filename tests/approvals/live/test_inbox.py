"""Acts that wait are taken up once; what fails is tried again, and then closed with its error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models.functions import Now

from app.core.models import User
from approvals.live import inbox
from integrations.models import Act, Connection, LinkedAccount
from tests.slack_server import Slack, slack_server


@pytest.fixture
def slack(db: None) -> Iterator[Slack]:
    with slack_server() as served:
        served.person("U1")
        yield served


def act(team: Connection, kind: str, verb: str = "", **more: Any) -> Act:
    fields: dict[str, Any] = {"team": "T0001", "person": "U1", "channel": "C0001", "received_at": Now(), **more}
    return Act.objects.create(connection=team, kind=kind, verb=verb, action_ts=f"{Act.objects.count()}", **fields)


def settled(made: Act) -> Act:
    inbox.settle_open()
    made.refresh_from_db()
    return made


@pytest.mark.parametrize("verb", ["tokens_revoked", "app_uninstalled", "channel_archive", "channel_left"])
def test_a_signal_of_slack_is_said_in_settings_and_taken_back(slack: Slack, team: Connection, verb: str) -> None:
    assert settled(act(team, "event", verb, person="slack")).done_at
    team.refresh_from_db()
    assert team.trouble == ("channel" if verb.startswith("channel") else "grant") and team.trouble_said
    settled(act(team, "event", "channel_unarchive", person="slack"))
    team.refresh_from_db()
    assert team.trouble == ""


def test_another_channel_of_the_workspace_is_no_trouble_of_ours(slack: Slack, team: Connection) -> None:
    assert settled(act(team, "event", "channel_archive", person="slack", channel="C9")).outcome == "another channel"
    team.refresh_from_db()
    assert team.trouble == ""


def test_the_command_whispers_a_link_or_whose_the_account_is(slack: Slack, team: Connection, approver: User) -> None:
    assert settled(act(team, "command", "link")).outcome == "link offered"
    assert "/settings/notifications/link/" in str(slack.whispers[-1]) and slack.whispers[-1]["user"] == "U1"
    LinkedAccount.objects.create(connection=team, user=approver, team="T0001", person="U1")
    assert settled(act(team, "command", "link")).outcome == "linked already"
    assert "linked to approver" in str(slack.whispers[-1])
    slack.person("U1", is_restricted=True)
    settled(act(team, "command", "link"))
    assert "guest" in str(slack.whispers[-1]) and "/link/" not in str(slack.whispers[-1])


def test_an_act_is_taken_up_once_and_again_when_its_worker_died(slack: Slack, team: Connection) -> None:
    made = act(team, "command", "link")
    Act.objects.update(again_at=Now() + inbox.HELD_FOR, attempts=1)
    assert settled(made).done_at is None, "another worker has it"
    Act.objects.update(again_at=Now())
    assert settled(made).done_at and inbox.settle_open() == 0
    assert len(slack.whispers) == 1


def test_what_fails_is_tried_again_for_a_while_and_stands_in_nobodys_way(slack: Slack, team: Connection) -> None:
    slack.say("chat.postEphemeral", *["internal_error"] * inbox.MAX_ATTEMPTS)
    broken, well = act(team, "command", "link"), None
    for attempt in range(1, inbox.MAX_ATTEMPTS + 1):
        Act.objects.update(again_at=None)
        assert settled(broken).attempts == attempt
        assert (broken.done_at is None) == (attempt < inbox.MAX_ATTEMPTS)
    assert broken.outcome.startswith("failed: Unreachable")
    well = act(team, "command", "link")
    assert settled(well).outcome == "link offered"
