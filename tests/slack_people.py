"""The people of the test's Slack: they press, type, write and command, by signed HTTP or by the socket."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from django.test import Client

from integrations import inbound
from integrations.models import Connection

if TYPE_CHECKING:
    from tests.slack_server import Message
    from tests.slack_socket import Socket

Json = dict[str, Any]
Door = Callable[[str, bytes, dict[str, str]], tuple[int, bytes]]  # path, body, headers to status and body
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def by_client(client: Client) -> Door:
    def send(path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        rest = {name: value for name, value in headers.items() if name != "Content-Type"}
        answer = client.post(path, data=body, content_type=headers["Content-Type"], headers=rest)
        return answer.status_code, answer.content

    return send


def by_url(url: str) -> Door:
    at = urlsplit(url)

    def send(path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        line = http.client.HTTPConnection(at.hostname or "", at.port, timeout=30)
        try:
            line.request("POST", path, body, headers)
            answer = line.getresponse()
            return answer.status, answer.read()
        finally:
            line.close()

    return send


def signature(secret: str, stamp: str, body: bytes) -> str:
    return "v0=" + hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()


@dataclass
class Sent:
    """One delivery; `answer` is status and body by HTTP, the acknowledgement's payload by the socket."""

    path: str
    body: bytes
    headers: dict[str, str]
    payload: Json
    answer: Any = None


@dataclass
class People:
    team: str = "T0001"
    signing_secret: str = "8f742231b10e8888abcd99yyyzzz85a5"
    people: dict[str, Json] = field(default_factory=dict)
    triggers: dict[str, tuple[str, float]] = field(default_factory=dict)
    door: Door | None = None
    sockets: list[Socket] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)

    def person(self, name: str, **more: Any) -> str:
        """A full member in good standing, unless `more` says otherwise."""
        usual = {"deleted": False, "is_bot": False, "is_restricted": False, "is_ultra_restricted": False}
        profile = {"display_name": name.lower(), "email": f"{name.lower()}@example.com"}
        made = {"id": name, "team_id": self.team, "name": name.lower(), "profile": profile, **usual}
        self.people[name] = {**made, "is_email_confirmed": True, **more}
        return name

    def keep_signing_secret(self, connection: Connection) -> None:
        inbound.put(connection, "signing_secret", self.signing_secret)

    def press(self, person: str, message: Message, verb: str, **more: Any) -> Sent:
        """Press the message's own button; KeyError where it has none such."""
        button = message.buttons()[verb]
        action = {name: button[name] for name in ("action_id", "value") if name in button}
        action |= {"block_id": "acts", "type": "button", "action_ts": f"{time.time():.6f}"}
        container = {"type": "message", "channel_id": message.channel, "message_ts": message.ts}
        payload = {
            "type": "block_actions", "user": self._who(person), "team": {"id": self.team}, "container": container,
            "channel": {"id": message.channel}, "trigger_id": self.trigger(person),
            "message": {"ts": message.ts, "text": message.text, "blocks": message.blocks}, "actions": [action], **more,
        }  # fmt: skip
        return self.interact(payload)

    def submit(self, person: str, view: Json, **values: str) -> Sent:
        """Fill in and send the modal; AssertionError where Slack's own client would not let it go."""
        state: Json = {}
        for block in view["blocks"]:
            if block["type"] != "input":
                continue
            name, typed = block["block_id"], values.pop(block["block_id"], "")
            assert typed or block.get("optional"), f"{name} is required"
            state[name] = {block["element"]["action_id"]: _entered(block["element"], typed)}
        assert not values, f"no such inputs: {sorted(values)}"
        shown = {name: view[name] for name in ("id", "hash", "callback_id", "private_metadata", "type")}
        payload = {
            "type": "view_submission", "user": self._who(person), "team": {"id": self.team},
            "view": {**shown, "state": {"values": state}}, "trigger_id": self.trigger(person),
        }  # fmt: skip
        return self.interact(payload)

    def interact(self, payload: Json) -> Sent:
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return self.deliver("/slack/interactions", body, FORM, payload, "interactive")

    def command(self, person: str, text: str = "", channel: str = "C0001") -> Sent:
        payload = {
            "team_id": self.team, "channel_id": channel, "user_id": person, "user_name": person.lower(),
            "command": "/countersign", "text": text, "trigger_id": self.trigger(person),
            "response_url": "https://hooks.slack.com/commands/x",
        }  # fmt: skip
        return self.deliver("/slack/commands", urlencode(payload).encode(), FORM, payload, "slash_commands")

    def write(self, person: str, message: Message, text: str, **more: Any) -> Sent:
        """A reply in the thread of a message."""
        event = {"type": "message", "channel": message.channel, "user": person, "text": text, "team": self.team}
        stamp = f"{time.time():.6f}"
        return self.event({**event, "ts": stamp, "thread_ts": message.ts, "parent_user_id": "UBOT", **more})

    def event(self, event: Json) -> Sent:
        name = f"Ev{uuid.uuid4().hex[:10].upper()}"
        payload = {"type": "event_callback", "team_id": self.team, "event_id": name, "event": event}
        return self.deliver("/slack/events", json.dumps(payload).encode(), JSON, payload, "events_api")

    def deliver(self, path: str, body: bytes, kind: str, payload: Json, envelope: str) -> Sent:
        """As Slack does it: signed over the raw bytes, or as an envelope of the socket."""
        stamp = str(int(time.time()))
        headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": stamp}
        headers["X-Slack-Signature"] = signature(self.signing_secret, stamp, body)
        made = Sent(path, body, headers, payload)
        self.sent.append(made)
        if self.door is not None:
            made.answer = self.door(path, body, headers)
        else:
            line = next(socket for socket in reversed(self.sockets) if socket.open)
            name = str(uuid.uuid4())
            sent = {"envelope_id": name, "type": envelope, "payload": payload, "accepts_response_payload": True}
            made.answer = line.deliver(sent)
        return made

    def again(self, sent: Sent, number: int = 1) -> tuple[int, bytes]:
        """The same bytes once more, as Slack retries and as a thief replays."""
        assert self.door is not None
        return self.door(sent.path, sent.body, {**sent.headers, "X-Slack-Retry-Num": str(number)})

    def trigger(self, person: str) -> str:
        name = f"{uuid.uuid4().int % 10**12}.{uuid.uuid4().hex}"
        self.triggers[name] = (person, time.monotonic())
        return name

    def _who(self, person: str) -> Json:
        team = self.people.get(person, {}).get("team_id", self.team)
        return {"id": person, "username": person.lower(), "team_id": team}


def _entered(element: Json, typed: str) -> Json:
    if element["type"] == "plain_text_input":
        return {"type": "plain_text_input", "value": typed or None}
    values = [option["value"] for option in element["options"]]
    assert not typed or typed in values, f"{typed!r} is not one of {values}"
    return {"type": "static_select", "selected_option": {"value": typed} if typed else None}
