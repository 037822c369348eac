"""The whole story in one message, from waiting to undone, by HTTP and by the socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.core.audit import Actor
from app.core.models import User
from approvals.execute import execute
from approvals.live.models import LiveMessage
from approvals.live.sync import sync
from approvals.models import Decision, Execution, Proposal
from approvals.undo import ask_undo, undo
from approvals.validate import validate
from integrations.models import Connection
from integrations.slack.socket import Listener
from tests.approvals.light import API, DATA, RERUN, Light, proposal
from tests.approvals.live.room import Room
from tests.slack_server import Slack

WAIT_S = 30.0  # seconds until the line must be open


@pytest.fixture
def team(slack: Slack, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """By HTTP, or by a socket that a real client holds open."""
    made = slack.connect(mode=request.param)
    if request.param == "http":
        yield made
        return
    slack.door, stop, listener = None, threading.Event(), Listener()
    holder = threading.Thread(target=listener.run, args=(stop,))
    holder.start()
    try:
        end = time.monotonic() + WAIT_S
        while not any(line.open for line in slack.sockets) and time.monotonic() < end:
            time.sleep(0.02)
        yield made
    finally:
        stop.set()
        holder.join(timeout=WAIT_S)


@pytest.mark.parametrize("team", ["http", "socket"], indirect=True)
def test_from_the_message_to_the_undo(
    world: Light,
    slack: Slack,
    team: Connection,
    link: Callable[[User, str], str],
    approver: User,
    second_approver: User,
) -> None:
    made = proposal(world, (DATA, RERUN))
    Proposal.objects.update(policy={**made.policy, "quorum": 2})
    link(approver, "U1")
    link(second_approver, "U2")
    sync()
    room = Room(slack)
    assert "Waits for 2 signatures" in room.message.words
    assert "nothing happens yet" in str(room.message.buttons()["approve"]["confirm"])
    room.press("U1", "approve")
    assert "1 of 2 signed" in room.message.words and Execution.objects.count() == 0
    room.press("U1", "approve")
    assert "signed this already" in room.whispered
    room.press("U2", "approve")
    assert list(room.message.buttons()) == ["link-open"]
    assert {row.door for row in Decision.objects.all()} == {"slack"}
    carried_out(room, made)
    taken_back(room, made, approver)
    told(room)
    assert len(slack.main()) == LiveMessage.objects.count() == 1


def carried_out(room: Room, made: Proposal) -> None:
    made.refresh_from_db()
    execute(made)
    sync(made.incident.number)
    assert "Production is checked now" in room.message.words
    made.refresh_from_db()
    validate(made)
    sync(made.incident.number)
    assert "Published" in room.message.words and "Undo in the console until" in room.message.words


def taken_back(room: Room, made: Proposal, by: User) -> None:
    ask_undo(Execution.objects.get(), by=by, actor=Actor.of(by), source=API)
    undo(Execution.objects.get(direction="undo"))
    sync(made.incident.number)
    assert "Taken back" in room.message.words


def told(room: Room) -> None:
    """Each chapter once, in its order, under the one message."""
    said = [line.text for line in room.slack.thread(room.message)]
    chapters = [
        "signed in Slack, 1 of ",
        "signed in Slack, 2 of 2",
        "Step 1: publish lake, done",
        "Step 2: rerun jobs, done",
        "Carried out and checked",
        "Resolved: fixed",
        "Undo was asked for",
        "Taken back",
    ]
    places: list[Any] = [[at for at, line in enumerate(said) if chapter in line] for chapter in chapters]
    assert all(len(at) == 1 for at in places), said
    assert places == sorted(places), said
