"""Ask the agent behind its walls and hear what it says, for as long and as much as it may say."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from incidents.agent import relay, sandbox
from incidents.case import Case
from integrations import grants
from integrations.llm.config import ModelConfig
from integrations.values import Json

MOST_SAID = 2_000_000  # bytes; more is no diagnosis
MOST_STEPS = 200
STEP_LIMIT = 8_000  # characters of one step that are kept
CALL_S, ANSWER_TOKENS = 60.0, 2_000  # of one call of the model
KINDS = {"said", "asked", "read"}


@dataclass
class Heard:
    """What came over the wall: all of it is untrusted, and only the gateway's own records say what was read."""

    nonce: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    answer: Any = None
    fault: str = ""
    seconds: float = 0.0


def consult(case: Case, config: ModelConfig, system: str, task: str) -> Heard:
    """One session under one grant. Never raises for what the agent does."""
    tools = [*grants.TOOLS, *grants.KEPT]
    life = min(grants.TTL_S, config.seconds + 30)
    connections = grants.opened(case.gateway.token).connections  # those that the rules may read
    token = grants.mint(case.incident.pk, connections, tools, life, model=config.connection, agent=True)
    heard = Heard(grants.opened(token).nonce, steps=[("told", f"{system}\n\n{task}")])
    started = monotonic()
    with tempfile.TemporaryDirectory(prefix="countersign-agent-") as name, tempfile.TemporaryFile() as errors:
        door = Path(name)
        door.chmod(0o711)  # because the agent is another user, and there is nothing in it but the socket
        job = {
            "system": system, "task": task, "token": token, "provider": config.provider, "model": config.model,
            "socket": sandbox.socket_path(door), "calls": config.calls, "timeout_s": CALL_S,
            "answer_tokens": ANSWER_TOKENS,
        }  # fmt: skip
        gateway = urlsplit(settings.GATEWAY_URL)
        with (
            relay.outside(door / sandbox.SOCKET, gateway.hostname or "127.0.0.1", gateway.port or 80),
            sandbox.started(door, errors) as child,
        ):
            _hear(child, job, heard, started + config.seconds)
        if heard.answer is None and not heard.fault:
            errors.seek(0)
            last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
            heard.fault = f"The agent stopped: {last[-300:] or 'it said nothing'}"
    heard.seconds = monotonic() - started
    return heard


def _hear(child: subprocess.Popen[bytes], job: Json, heard: Heard, end: float) -> None:
    assert child.stdin  # noqa: S101 - both are pipes
    with suppress(BrokenPipeError):
        child.stdin.write(json.dumps(job).encode())
        child.stdin.close()
    for line in _lines(child, end):
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(said, dict):
            continue
        if "answer" in said:
            heard.answer = said["answer"]
            return
        if "fault" in said:
            heard.fault = str(said["fault"])[:500]
            return
        if said.get("kind") in KINDS and len(heard.steps) < MOST_STEPS:
            heard.steps.append((said["kind"], str(said.get("text", ""))[:STEP_LIMIT]))
    if monotonic() >= end:
        heard.fault = "It was not done in time."


def _lines(child: subprocess.Popen[bytes], end: float) -> Iterator[bytes]:
    assert child.stdout  # noqa: S101
    rest, total = b"", 0
    with selectors.DefaultSelector() as waiting:
        waiting.register(child.stdout, selectors.EVENT_READ)
        while total < MOST_SAID and (left := end - monotonic()) > 0:
            if not waiting.select(left):
                return
            chunk = os.read(child.stdout.fileno(), 65_536)
            if not chunk:
                return
            total += len(chunk)
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole
