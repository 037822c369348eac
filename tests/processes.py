"""Our own processes for tests that cross them, on the test database."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
WAIT_S = 20.0  # until a start counts as failed; usual is one or two


def environment(**more: str) -> dict[str, str]:
    """That of a process of ours beside the test: the product's settings on the test's database."""
    at = connection.settings_dict
    where = f"{at['USER']}:{quote(at['PASSWORD'])}@{at['HOST']}:{at['PORT']}/{at['NAME']}"
    own = {"DJANGO_SETTINGS_MODULE": "app.settings", "DATABASE_URL": f"postgresql://{where}", "PYTHONPATH": str(ROOT)}
    return {**os.environ, **own, **more}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def granian(target: str, interface: str, **more: str) -> Iterator[int]:
    """Serve `target` on a free port; yields the port, and leaves no process behind."""
    port = free_port()
    command = ["--interface", interface, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", *command, "--workers-kill-timeout", "3", target],
        env=environment(**more),
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        yield port
    finally:
        stop(process)


def wait_for_port(port: int) -> None:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=8)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
