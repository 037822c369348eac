"""The test's Slack on a port of loopback: calls of its Web API, and the socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from tests.slack_socket import Socket

Json = dict[str, Any]
READS = {"users.info", "conversations.info"}  # take a form alone: JSON is not even looked at


class SlackSays(Exception):
    """`ok: false` with this error, or a rate limit where it is a number of seconds."""


class Answering(Protocol):
    url: str
    scopes: tuple[str, ...]
    sockets: list[Socket]

    def answer(self, method: str, given: Json, token: str) -> Json: ...


@contextmanager
def served(slack: Answering) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            method = urlsplit(self.path).path.removeprefix("/api/")
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            try:
                self.say(200, slack.answer(method, self.given(method, body), token))
            except SlackSays as error:
                said = error.args[0]
                if isinstance(said, int) and said >= 500:
                    self.say(said, {})
                elif isinstance(said, int):
                    self.say(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(said)})
                else:
                    self.say(200, {"ok": False, "error": said})
            except KeyError as error:
                self.say(200, {"ok": False, "error": f"invalid_arguments: {error}"})

        def do_GET(self) -> None:
            if urlsplit(self.path).path == "/socket" and self.headers.get("Upgrade") == "websocket":
                line = Socket(self)
                slack.sockets.append(line)
                line.serve()
                self.close_connection = True
            else:
                self.say(404, {})

        def given(self, method: str, body: bytes) -> Json:
            if self.headers.get("Content-Type", "").startswith("application/json"):
                return {} if method in READS or not body else dict(json.loads(body))
            return {name: values[0] for name, values in parse_qs(body.decode()).items()}

        def say(self, status: int, said: Json, more: dict[str, str] | None = None) -> None:
            data = json.dumps(said).encode()
            self.send_response(status)
            headers = {"Content-Type": "application/json", "X-OAuth-Scopes": ",".join(slack.scopes)}
            for name, value in {**headers, "Content-Length": str(len(data)), **(more or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            """Nothing: tests read what was heard."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    slack.url = f"http://127.0.0.1:{running.server_port}/api/"
    threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield
    finally:
        for line in slack.sockets:
            if line.open:
                line.drop()
        running.shutdown()
        running.server_close()
