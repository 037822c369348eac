"""A server that speaks OpenAI's language and says what a test scripted: in the model's place only faults are tested."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Said = dict[str, Any]
Script = Callable[[Said, int], "Said | bytes | int | float"]  # of the question and its number
# What a real model would know.
MEANT = {"car": "vehicle", "lorry": "vehicle", "truck": "vehicle", "invoice": "bill", "doctor": "physician"}
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


def text(content: str) -> Said:
    return _choice({"role": "assistant", "content": content})


def calls(*wanted: tuple[str, Said | str]) -> Said:
    """The model asks for tools; a text in place of arguments is sent as it is."""
    made = [
        {
            "id": f"call_{at}",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for at, (name, given) in enumerate(wanted)
    ]
    return _choice({"role": "assistant", "content": None, "tool_calls": made})


def _choice(message: Said) -> Said:
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": USAGE}


def vector(text: str, length: int = 384) -> list[float]:
    """The same for the same words, and near for texts that share some: each word, by what it means, has a place."""
    made = [0.0] * length
    for word in re.findall(r"[a-z]+", text.lower()):
        meant = MEANT.get(word, word)
        made[int.from_bytes(hashlib.sha256(meant.encode()).digest()[:4]) % length] += 1.0
    return made if any(made) else [1.0, *made[1:]]


def _vectors(server: ModelServer, texts: list[str]) -> Said:
    if server.held:
        server.held.wait(60)
    server.embedded += texts
    data = [{"object": "embedding", "index": at, "embedding": vector(text)} for at, text in enumerate(texts)]
    return {"object": "list", "model": "m", "data": data[::-1], "usage": {"prompt_tokens": 7, "total_tokens": 7}}


@dataclass
class ModelServer:
    """`heard` has every question, `keys` every Authorization header, in order."""

    script: Script
    url: str = ""
    # Questions for vectors are answered by themselves, see `vector`, unless a test holds them back.
    held: threading.Event | None = None
    embedded: list[str] = field(default_factory=list)
    heard: list[Said] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return json.dumps(self.heard)


@contextmanager
def model_server(script: Script) -> Iterator[ModelServer]:
    """A script answers with a message, bytes as they are, an int as a status without a body, a float as a pause."""
    server = ModelServer(script)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.heard.append(json.loads(body))
            server.keys.append(self.headers.get("Authorization", ""))
            asked = server.heard[-1]
            said = _vectors(server, asked["input"]) if "input" in asked else server.script(asked, len(server.heard))
            if isinstance(said, float):
                time.sleep(said)
            status = said if isinstance(said, int) else 200
            data = said if isinstance(said, bytes) else json.dumps(said).encode() if isinstance(said, dict) else b"{}"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            with suppress(ConnectionError):  # who asked may not have waited
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            """Nothing: tests read `heard`."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    server.url = f"http://127.0.0.1:{running.server_port}/v1"
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        running.shutdown()
        running.server_close()
