"""`manage.py up` as a person runs it: everything starts, everything answers, and nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from app.launcher.folder import DataFolder
from app.launcher.plan import BASE
from tests.app.launcher.started import Started, environment, eventually, living, reachable

STOPS_WITHIN_S = 5.0  # the promise of `up`


@pytest.fixture(scope="module")
def running() -> Iterator[Started]:
    for folder in reachable():
        started = Started(folder)
        try:
            started.wait_ready()
            yield started
        finally:
            family = started.family()
            started.stop()
            assert living(family) == []


def manage(folder: DataFolder, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**environment(), "COUNTERSIGN_DATA_DIR": str(folder.root)}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=BASE, env=env, capture_output=True, text=True, timeout=60)


def pid_of(started: Started, name: str) -> int:
    return int(json.loads((started.folder.run / "processes.json").read_text())[name]["pid"])


def open_stream(port: int, host: str) -> socket.socket:
    """A client that asked for the event stream and never hangs up."""
    stream = socket.create_connection(("127.0.0.1", port))
    stream.sendall(f"GET /events/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return stream


def test_it_says_where_it_is_and_how_to_begin(running: Started) -> None:
    lines = running.said().splitlines()
    assert f"Countersign is ready at http://127.0.0.1:{running.port}" in lines
    assert f"http://127.0.0.1:{running.port}/setup/?token=" in running.said()


def test_the_web_process_answers(running: Started) -> None:
    connection = HTTPConnection("127.0.0.1", running.port, timeout=5)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200


def test_a_second_start_on_the_folder_is_refused(running: Started) -> None:
    said = manage(running.folder, "up", "--port", str(running.port), "--data-dir", str(running.folder.root))
    assert said.returncode == 2 and "already running" in said.stderr and "Traceback" not in said.stderr


def test_a_second_start_on_the_port_is_refused(running: Started, folder: DataFolder) -> None:
    said = manage(folder, "up", "--port", str(running.port), "--data-dir", str(folder.root))
    assert said.returncode == 2 and f"Port {running.port}" in said.stderr and "Traceback" not in said.stderr
    assert not folder.root.exists()


def test_only_processes_that_call_outside_hold_the_vaults_private_key(running: Started) -> None:
    private = (running.folder.keys / "vault.private").read_text().strip().encode()
    names = json.loads((running.folder.run / "processes.json").read_text())
    holders = {name for name in names if private in Path(f"/proc/{pid_of(running, name)}/environ").read_bytes()}
    assert holders == {"gateway", "worker-act", "worker-tell", "slack"}


def test_no_process_knows_the_owners_password(running: Started) -> None:
    secrets = dict(line.split("=", 1) for line in running.folder.secrets.read_text().splitlines())
    for pid in running.family():
        known = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
        assert secrets["OWNER_PASSWORD"].encode() not in known
        assert secrets["SUPERUSER_PASSWORD"].encode() not in known


def test_doctor_finds_the_parts_well(running: Started) -> None:
    said = manage(running.folder, "doctor").stdout
    unwell = [line for line in said.splitlines() if line.startswith("FAIL") and "queues" not in line]
    assert unwell == [], said  # the first canary may take 30 s


def test_one_that_is_killed_comes_back(running: Started) -> None:
    old = pid_of(running, "beat")
    os.kill(old, signal.SIGKILL)
    assert eventually(lambda: pid_of(running, "beat") != old, 10)


def test_behind_a_proxy_it_is_ready_and_ctrl_c_ends_everything_while_a_stream_is_open(folder: DataFolder) -> None:
    proxy = {"COUNTERSIGN_URL": "https://console.example.com", "COUNTERSIGN_HOSTS": "console.example.com"}
    started = Started(folder, given={**proxy, "COUNTERSIGN_BEHIND_PROXY": "1"})
    started.wait_ready()
    assert "Countersign is ready at https://console.example.com" in started.said()
    family = started.family()
    with open_stream(started.port + 1, "console.example.com"):
        took = started.stop()
    assert started.process.returncode == 0
    assert living(family) == []
    assert took < STOPS_WITHIN_S
    assert "Traceback" not in started.said()


@pytest.mark.slow
def test_a_killed_start_leaves_nothing_and_the_next_one_works(folder: DataFolder) -> None:
    started = Started(folder)
    started.wait_ready()
    family = started.family()
    os.kill(started.launcher(), signal.SIGKILL)
    assert eventually(lambda: not living(family), 10), living(family)
    again = Started(folder)
    again.wait_ready()
    family = again.family()
    os.killpg(again.launcher(), signal.SIGKILL)
    os.kill(again.process.pid, signal.SIGKILL)
    assert eventually(lambda: not living(family), 10), living(family)


@pytest.mark.slow
def test_a_backup_of_a_running_one_is_restored_elsewhere(running: Started, folder: DataFolder) -> None:
    target = running.folder.root.parent / "backup"
    made = manage(running.folder, "backup", str(target))
    assert made.returncode == 0, made.stderr
    assert target.stat().st_mode & 0o777 == 0o600
    refused = manage(running.folder, "restore", str(target), "--force", "--data-dir", str(running.folder.root))
    assert refused.returncode == 2 and "already running" in refused.stderr
    restored = manage(folder, "restore", str(target), "--data-dir", str(folder.root))
    assert restored.returncode == 0, restored.stderr
    again = manage(folder, "restore", str(target), "--data-dir", str(folder.root))
    assert again.returncode == 2 and "--force" in again.stderr
    started = Started(folder)
    started.wait_ready()
    assert (folder.keys / "vault.private").read_text() == (running.folder.keys / "vault.private").read_text()
