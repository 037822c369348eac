"""A channel with one live message, and what happens when somebody does something in it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from approvals.live.inbox import settle_open
from integrations import postbox
from integrations.models import Act
from tests.slack_server import Message, Slack

WAIT_S = 60.0  # seconds until the letter box must be empty


@dataclass
class Room:
    slack: Slack

    @property
    def message(self) -> Message:
        [found] = self.slack.main()
        return found

    def settle(self) -> Act:
        """What was delivered is carried in and settled; the newest act."""
        end = time.monotonic() + WAIT_S
        while postbox.waiting() and time.monotonic() < end:
            time.sleep(0.01)
        settle_open()
        found = Act.objects.order_by("pk").last()
        assert found is not None and found.done_at is not None
        return found

    def press(self, person: str, verb: str) -> Act:
        self.slack.press(person, self.message, verb)
        return self.settle()

    def open(self, person: str, verb: str) -> dict[str, Any]:
        """The form that the button opens."""
        before = len(self.slack.views)
        self.press(person, verb)
        assert len(self.slack.views) == before + 1
        return self.slack.views[-1]

    def send(self, person: str, view: dict[str, Any], **typed: str) -> Act:
        self.slack.submit(person, view, **typed)
        return self.settle()

    @property
    def whispered(self) -> str:
        """The last whisper, to whom and what."""
        said = self.slack.whispers[-1]
        return f"{said['user']}: {said['blocks']}"
