"""A running installation with the demo, as a newcomer starts it, and what a person does with it through the API."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from integrations.demo import known_good, lakehouse
from tests.processes import ROOT

READY_S = 600.0  # start and 40 days of history on a busy machine; usual is two minutes
DECIDABLE_S = HEALED_S = 90.0  # the issue's own bounds, with `slack` for a machine that runs other tests beside
SLACK = float(os.environ.get("COUNTERSIGN_TEST_SLACK", "2"))
DECIDABLE = {"awaiting_decision", "waiting_on_person", "escalated", "watching"}


@dataclass
class Stand:
    url: str
    data: Path
    tokens: dict[str, str]
    environment: dict[str, str]

    def api(self, who: str, path: str, **body: Any) -> httpx.Response:
        """GET, or POST with a body, as one of the cast."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        call = {"headers": headers, "timeout": 30.0}
        address = f"{self.url}/api/v1/{path}"
        return httpx.post(address, json=body, **call) if body else httpx.get(address, **call)

    def demo(self, *verb: str) -> str:
        return self.manage("demo", *verb)

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    @property
    def lakehouse(self) -> lakehouse.Lakehouse:
        found = lakehouse.read(self.data / "demo")
        assert found is not None
        return found

    def state(self) -> dict[str, str]:
        return known_good.state(self.lakehouse)

    def truth(self) -> dict[str, Any]:
        return dict(json.loads((self.data / "demo" / "truth.json").read_text()))

    def incidents(self, status: str = "") -> list[dict[str, Any]]:
        return list(self.api("viewer", f"incidents?status={status}").json()["items"])

    def incident(self, number: int) -> dict[str, Any]:
        return dict(self.api("viewer", f"incidents/{number}").json())

    def proposal(self, pk: int) -> dict[str, Any]:
        return dict(self.api("viewer", f"proposals/{pk}").json())

    def break_it(self, fault: str) -> tuple[dict[str, Any], float]:
        """Inject, and wait for a decidable incident; returns it and the seconds since the injection's run ended."""
        before = {one["number"] for one in self.incidents()}
        self.demo("break", fault)
        began = time.monotonic()

        def decidable() -> dict[str, Any] | None:
            fresh = [
                one for one in self.incidents() if one["number"] not in before and one["resolution"] != "duplicate"
            ]
            ready = [one for one in fresh if one["status"] in DECIDABLE]
            return (
                self.incident(min(ready, key=lambda one: one["number"])["number"])
                if ready and len(ready) == len(fresh)
                else None
            )

        found = wait(decidable, DECIDABLE_S, f"{fault}: a decidable incident", self.incidents)
        return found, time.monotonic() - began

    def approve(self, pk: int, who: str = "approver") -> httpx.Response:
        return self.api(
            who, f"proposals/{pk}/decisions", decision="approve", fingerprint=self.proposal(pk)["fingerprint"]
        )

    def settled(self, pk: int, *statuses: str) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            found = self.proposal(pk)
            return found if found["status"] in statuses else None

        return wait(reached, HEALED_S, f"proposal {pk} to be {statuses}", lambda: self.proposal(pk))


def wait(probe: Callable[[], Any], seconds: float, what: str, now: Callable[[], object]) -> Any:
    end = time.monotonic() + seconds * SLACK
    while time.monotonic() < end:
        if (found := probe()) is not None:
            return found
        time.sleep(0.5)
    raise AssertionError(
        f"{what} did not come within {seconds * SLACK:.0f} s; now: {json.dumps(now(), default=str)[:3000]}"
    )


def two_free_ports() -> int:
    """A port with the one after it, below the range from which the kernel hands out others meanwhile."""
    for port in random.sample(range(20_000, 30_000, 2), 50):
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        return port
    raise AssertionError("no two free ports")


@contextmanager
def running(home: Path, **environment: str) -> Iterator[Stand]:
    """`manage.py up --demo` until its history is there; stopped as Ctrl-C does."""
    port = two_free_ports()
    data = home / "data"
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COUNTERSIGN_", "DATABASE_", "BROKER_"))
    }
    own.update(DJANGO_SETTINGS_MODULE="app.settings", **environment)
    log = (home / "up.log").open("wb")
    command = [sys.executable, "manage.py", "up", "--demo", "--port", str(port), "--data-dir", str(data)]
    process = subprocess.Popen(command, cwd=ROOT, env=own, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        text = lambda: (home / "up.log").read_text()  # noqa: E731
        wait(
            lambda: True if "The demo is ready" in text() or process.poll() is not None else None,
            READY_S,
            "the demo",
            text,
        )
        assert process.poll() is None, text()
        told = json.loads((data / "demo.json").read_text())
        yield Stand(told["url"], data, told["tokens"], own | {"COUNTERSIGN_DATA_DIR": str(data)})
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        log.close()
