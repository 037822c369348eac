"""One `manage.py up`, as a person starts it, and what is below it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from app.launcher.folder import DataFolder
from app.launcher.leftovers import born, descendants
from app.launcher.plan import BASE
from app.launcher.ports import free_port

SCRUBBED = ("COUNTERSIGN_", "DATABASE_URL", "BROKER_URL", "DJANGO_", "PYTEST_")
UNDER_TEST: list[Started] = []
READY_WITHIN_S = 180  # a machine that also does other things


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(SCRUBBED)}


def reachable() -> Iterator[DataFolder]:
    """pytest's own folders are closed to other users, as PostgreSQL's is when the tests run as root."""
    root = Path(tempfile.mkdtemp(prefix="countersign-launcher-"))
    root.chmod(0o711)
    yield DataFolder(root / "data")
    for started in [one for one in UNDER_TEST if one.folder.root.parent == root]:
        started.end()
    shutil.rmtree(root)


def free_pair() -> int:
    """A port whose next one is free as well: web and stream."""
    while True:
        port = free_port()
        if free_port(port + 1) == port + 1:
            return port


def eventually(truth: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if truth():
            return True
        time.sleep(0.05)
    return truth()


class Started:
    """One `manage.py up` as a person starts it, and every process below it by number and birth."""

    def __init__(self, folder: DataFolder, *options: str, given: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_pair()
        self.output = folder.root.parent / "output"
        command = [
            sys.executable,
            "manage.py",
            "up",
            "--port",
            str(self.port),
            "--data-dir",
            str(folder.root),
            *options,
        ]
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                cwd=BASE,
                env=environment() | (given or {}),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

        UNDER_TEST.append(self)

    def end(self) -> None:
        """Whatever became of the test, nothing of this start outlives it."""
        UNDER_TEST.remove(self)
        if self.process.poll() is None:
            self.stop()

    def said(self) -> str:
        return self.output.read_text()

    def wait_ready(self) -> None:
        ready = eventually(lambda: "Ctrl-C stops" in self.said() or self.process.poll() is not None, READY_WITHIN_S)
        assert ready and self.process.poll() is None, self.said()

    def family(self) -> dict[int, str]:
        pids = [self.process.pid, *descendants(self.process.pid)]
        return {pid: when for pid in pids if (when := born(pid))}

    def launcher(self) -> int:
        return int((self.folder.run / "lock").read_text())

    def stop(self) -> float:
        """Seconds from the signal to the end."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)
        return time.monotonic() - began


def living(family: dict[int, str]) -> list[str]:
    """Those of `family` that still run, by what they are, for a message that helps."""
    return [Path(f"/proc/{pid}/cmdline").read_text()[:120] for pid, when in family.items() if born(pid) == when]
