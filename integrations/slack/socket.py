"""Socket Mode: we call Slack, for where Slack cannot call us. Each envelope is on disk before it is acknowledged."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import Error
from django.db import connection as database
from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from integrations import postbox, vault
from integrations.errors import IntegrationError
from integrations.models import Connection, Credential
from integrations.postbox import Arrival
from integrations.slack import parse
from integrations.slack.answer import answer
from integrations.slack.calls import call, client
from integrations.trouble import hindered, well
from integrations.untrusted import mapping

log = logging.getLogger(__name__)

LOOK_S = 2.0  # seconds between two looks at which connections there are
PATIENCE_S = 10.0  # seconds until a line that could not be opened is tried again
RECEIVE_BYTES = 64 * 1024
PING_S = 2.0  # seconds; a line is given up after four of them without an answer


@dataclass
class Line:
    """One open socket, and what it was opened for: another token or address is another line."""

    made_for: tuple[str, ...]
    client: SocketModeClient


@dataclass
class Listener:
    """The lines of all connections in Socket Mode. Idle while there are none."""

    lines: dict[str, Line] = field(default_factory=dict)
    _wait: dict[str, int] = field(default_factory=dict)  # looks until a line that failed is tried again

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                postbox.carry()  # what a process that died has left behind
                self.tend()
            except (Error, OSError) as error:
                log.warning("the database is away: %s; open lines stay", error.__class__.__name__)
            finally:
                database.close()
            stop.wait(LOOK_S)
        self.close()

    def tend(self) -> None:
        """Open what is missing, close what is not wanted any more."""
        wanted = {row.name: row for row in Connection.objects.filter(kind="slack", enabled=True, config__mode="socket")}
        tokens = Credential.objects.filter(connection__in=wanted.values(), name="app_token")
        sealed = {row.connection_id: bytes(row.sealed).hex() + row.reference for row in tokens}
        marks = {name: (str(row.config.get("api_url", "")), sealed.get(row.pk, "")) for name, row in wanted.items()}
        for name in [name for name, line in self.lines.items() if marks.get(name) != line.made_for]:
            self.lines.pop(name).client.close()
        for name in sorted(wanted.keys() - self.lines.keys()):
            self._wait[name] = self._wait.get(name, 0) - 1
            if self._wait[name] < 0:
                self._open(wanted[name], marks[name])

    def close(self) -> None:
        while self.lines:
            self.lines.popitem()[1].client.close()

    def _open(self, row: Connection, mark: tuple[str, ...]) -> None:
        try:
            made = opened(row)
        except IntegrationError as error:
            log.warning("no line for %s: %s", row, error)
            hindered(row, error, PATIENCE_S)
            self._wait[row.name] = round(PATIENCE_S / LOOK_S)
            return
        self.lines[row.name] = Line(mark, made)
        well(row)
        log.info("listening for %s", row)


def opened(row: Connection) -> SocketModeClient:
    """A line that opens itself again when it breaks. Raises IntegrationError where the first one cannot be had."""
    token = vault.get(row, "app_token")
    web = client(token, str(row.config.get("api_url", "")))
    made = SocketModeClient(app_token=token, web_client=web, ping_interval=PING_S, receive_buffer_size=RECEIVE_BYTES)
    made.socket_mode_request_listeners.append(partial(_received, row.name, str(row.facts.get("bot", ""))))
    try:
        made.wss_uri = str(call(web, "apps.connections.open")["url"])
        made.connect()
    except IntegrationError:
        made.close()
        raise
    return made


def arrival(kind: str, payload: dict[str, Any], us: str) -> Arrival | None:
    """The envelope's payload is what HTTP would have brought."""
    match kind:
        case "interactive":
            return parse.interaction(payload)
        case "slash_commands":
            return parse.command(payload)
        case "events_api":
            return parse.event(payload, us)
    return None


def _received(name: str, us: str, line: BaseSocketModeClient, request: SocketModeRequest) -> None:
    """What cannot be kept is not acknowledged, so that Slack sends it again or says so to the person."""
    payload = mapping(request.payload)
    try:
        if found := arrival(request.type, payload, us):
            postbox.drop(found, name=name)
        said = answer(payload) if request.accepts_response_payload else {}
        line.send_socket_mode_response(SocketModeResponse(request.envelope_id, said or None))
    except (OSError, SlackClientError) as error:
        log.error("an envelope of %s was not acknowledged: %s", name, error.__class__.__name__)
