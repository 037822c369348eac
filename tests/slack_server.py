"""A Slack of one workspace on loopback: its Web API, its strictness, and people who press, type and write.

with slack_server() as slack:
    connection = slack.connect()                       # a row of kind slack, tested
    slack.door = by_client(client)                     # or by_url(...); without one, by the socket
    slack.press("U1", channel, ts, "approve")
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from integrations import vault
from integrations.models import Connection
from integrations.slack.manifest import SCOPES
from tests.slack_blocks import problems, view_problems
from tests.slack_http import SlackSays, served
from tests.slack_people import People, by_client, by_url

Json = dict[str, Any]
__all__ = ["Message", "Slack", "by_client", "by_url", "slack_server"]


@dataclass
class Message:
    channel: str
    ts: str
    text: str
    blocks: list[Json]
    thread: str = ""
    edits: int = 0

    def buttons(self) -> dict[str, Json]:
        """Action id to button, of those that are an act or a link."""
        rows = [block["elements"] for block in self.blocks if block["type"] == "actions"]
        return {button["action_id"]: button for row in rows for button in row}

    @property
    def words(self) -> str:
        return json.dumps(self.blocks, ensure_ascii=False)


@dataclass
class Slack(People):
    """`heard` has every call (method, arguments), in order; faults are scripted by `say`, `limit`, `revoke` …"""

    url: str = ""
    token: str = "xoxb-test"
    app_token: str = "xapp-test"
    scopes: tuple[str, ...] = SCOPES
    revoked: str = ""  # the error that every token gets
    trigger_s: float = 3.0  # how long a trigger opens a modal
    channels: dict[str, Json] = field(default_factory=dict)
    messages: dict[tuple[str, str], Message] = field(default_factory=dict)
    whispers: list[Json] = field(default_factory=list)
    views: list[Json] = field(default_factory=list)
    heard: list[tuple[str, Json]] = field(default_factory=list)
    faults: dict[str, list[Any]] = field(default_factory=dict)  # method: an error, or seconds of Retry-After; each once
    at: int = 1_000_000
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.room("C0001", "data-incidents")
        self.person("UBOT", is_bot=True)

    # --- what a test arranges ----------------------------------------------------------------------------------

    def room(self, channel: str, name: str, **more: Any) -> str:
        self.channels[channel] = {"id": channel, "name": name, "is_archived": False, "is_member": True, **more}
        return channel

    def connect(self, name: str = "slack", mode: str = "http", **config: Any) -> Connection:
        """A connection as an administrator adds it, with what its test learned."""
        config = {"channel": "C0001", "mode": mode, "api_url": self.url, **config}
        facts = {"team": self.team, "team_name": "Acme", "bot": "UBOT", "url": "https://acme.slack.com/"}
        made = Connection.objects.create(name=name, kind="slack", config=config, facts=facts)
        vault.put(made, "token", self.token)
        vault.put(made, "app_token", self.app_token)
        self.keep_signing_secret(made)
        return made

    def say(self, method: str, *errors: Any) -> None:
        """The next calls of `method` fail: a word is an error, a number a rate limit with that many seconds."""
        self.faults.setdefault(method, []).extend(errors)

    def delete(self, message: Message) -> None:
        del self.messages[message.channel, message.ts]

    def main(self, channel: str = "C0001") -> list[Message]:
        """Messages of a channel that are in no thread, oldest first."""
        return [row for row in self.messages.values() if row.channel == channel and not row.thread]

    def thread(self, message: Message) -> list[Message]:
        return [row for row in self.messages.values() if row.thread == message.ts and row.channel == message.channel]

    # --- the Web API -------------------------------------------------------------------------------------------

    def answer(self, method: str, given: Json, token: str) -> Json:
        with self.lock:
            self.heard.append((method, given))
            if waiting := self.faults.get(method):
                raise SlackSays(waiting.pop(0))
            wanted = self.app_token if method == "apps.connections.open" else self.token
            if self.revoked or token != wanted:
                raise SlackSays(self.revoked or "invalid_auth")
            known = getattr(self, f"_{method.replace('.', '_')}", None)
            if known is None:
                raise SlackSays("unknown_method")
            return {"ok": True, **known(given)}

    def _auth_test(self, given: Json) -> Json:
        return {"url": "https://acme.slack.com/", "team": "Acme", "team_id": self.team, "user_id": "UBOT"}

    def _chat_postMessage(self, given: Json) -> Json:
        channel = self._writable(given["channel"])
        self._check(given)
        if given.get("thread_ts") and (channel, given["thread_ts"]) not in self.messages:
            raise SlackSays("thread_not_found")
        made = Message(channel, self._ts(), given["text"], given["blocks"], given.get("thread_ts", ""))
        self.messages[channel, made.ts] = made
        return {"channel": channel, "ts": made.ts, "message": {"text": made.text}}

    def _chat_update(self, given: Json) -> Json:
        channel = self._writable(given["channel"])
        self._check(given)
        found = self.messages.get((channel, given["ts"]))
        if found is None:
            raise SlackSays("message_not_found")
        found.text, found.blocks, found.edits = given["text"], given["blocks"], found.edits + 1
        return {"channel": channel, "ts": found.ts, "text": found.text}

    def _chat_postEphemeral(self, given: Json) -> Json:
        self._writable(given["channel"])
        self._check(given)
        self.whispers.append(given)
        return {"message_ts": self._ts()}

    def _views_open(self, given: Json) -> Json:
        made = self.triggers.pop(given["trigger_id"], None)
        if made is None or time.monotonic() - made[1] > self.trigger_s:
            raise SlackSays("expired_trigger_id" if made else "invalid_trigger_id")
        if found := view_problems(given["view"]):
            raise SlackSays(f"invalid_arguments: {found}")
        view = {**given["view"], "id": f"V{len(self.views):04}", "hash": self._ts(), "person": made[0]}
        self.views.append(view)
        return {"view": view}

    def _users_info(self, given: Json) -> Json:
        if given.get("user") not in self.people:
            raise SlackSays("user_not_found")
        return {"user": self.people[given["user"]]}

    def _conversations_info(self, given: Json) -> Json:
        if given.get("channel") not in self.channels:
            raise SlackSays("channel_not_found")
        return {"channel": self.channels[given["channel"]]}

    def _apps_connections_open(self, given: Json) -> Json:
        return {"url": f"{self.url.replace('http:', 'ws:').replace('/api/', '/socket')}?ticket={self._ts()}"}

    def _writable(self, channel: str) -> str:
        if channel in self.people:
            return f"D{channel}"
        if channel not in self.channels and not channel.startswith("D"):
            raise SlackSays("channel_not_found")
        room = self.channels.get(channel, {})
        if room.get("is_archived") or not room.get("is_member", True):
            raise SlackSays("is_archived" if room["is_archived"] else "not_in_channel")
        return channel

    def _check(self, given: Json) -> None:
        if found := problems(given.get("blocks")):
            raise SlackSays(f"invalid_blocks: {found}")
        if not 0 < len(given.get("text", "")) <= 4000:
            raise SlackSays("no_text")

    def _ts(self) -> str:
        with self.lock:
            self.at += 1
            return f"1747000000.{self.at:06}"


@contextmanager
def slack_server(**more: Any) -> Iterator[Slack]:
    """Serve a Slack until the block ends."""
    slack = Slack(**more)
    with served(slack):
        yield slack
