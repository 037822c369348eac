"""More than forty ways out of the sandbox: none succeeds, and the same probes do find something outside of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as ours

from incidents.agent import sandbox, seccomp
from tests.incidents.probing import PROBES, SECRET, SETUP

needs_walls = pytest.mark.skipif(
    bool(sandbox.walls().refusal) and not os.environ.get("CI"), reason=sandbox.walls().refusal or "walls stand"
)


@pytest.fixture(scope="module")
def bait(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A process with a secret in its environment, an open port of the host, and an abstract socket."""
    other = subprocess.Popen(["sleep", "600"], env={"TOKEN": SECRET})
    with socket.create_server(("127.0.0.1", 0)) as door, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0countersign-probe")
        abstract.listen()
        yield int(door.getsockname()[1])
    other.kill()
    other.wait()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("door")
    (folder / sandbox.SOCKET).touch()
    folder.chmod(0o711)
    return folder


def code(name: str, port: int, scratch: str = "/tmp") -> str:  # noqa: S108 - the sandbox' own
    probe = PROBES[name].replace("/tmp", scratch)  # noqa: S108
    return f"{SETUP}\nPORT, DATA = {port}, {str(ours.DATA_DIR)!r}\n{probe}"


@needs_walls
@pytest.mark.parametrize("name", PROBES)
def test_nothing_is_got_hold_of(name: str, bait: int, door: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN_TOKEN", SECRET)
    argv, fds = sandbox.inside([*sandbox._python(), code(name, bait)], door)
    try:
        done = subprocess.run(argv, pass_fds=fds, capture_output=True, text=True, timeout=60, cwd="/", check=False)
    finally:
        for fd in fds:
            os.close(fd)
    assert "GOT" not in done.stdout
    assert "SyntaxError" not in done.stderr and "NameError" not in done.stderr
    assert "bwrap" not in done.stderr


OUTSIDE = [
    "environment of its own", "environments of processes", "processes outside", "command lines", "the data folder",
    "loopback of the host", "abstract sockets", "signals outside", "threads without end", "files without end",
    "10 GB on disk",
]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_the_probes_do_find_it_without_walls(name: str, bait: int, tmp_path: Path) -> None:
    """Else their silence would say nothing. Those that would hurt this machine are not tried."""
    text = code(name, bait, str(tmp_path)).replace("range(100):\n        f", "range(1):\n        f")
    env = {**os.environ, "OWN_TOKEN": SECRET}
    done = subprocess.run([sys.executable, "-c", text], env=env, capture_output=True, text=True, timeout=60)
    assert "GOT" in done.stdout, done.stderr


STRONG: dict[str, Any] = {
    "uid": sandbox.USER, "caps": 0, "privileges": "1", "filter": "2", "net": ["lo"], "sys": False, "root": False,
    "pids": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        ({"uid": 0}, "own user"),
        ({"caps": 1}, "capabilities"),
        ({"privileges": "0"}, "gain privileges"),
        ({"filter": "0"}, "no filter"),
        ({"net": ["lo", "eth0"]}, "network"),
        ({"sys": True}, "kernel's settings"),
        ({"root": True}, "root folder"),
        ({"pids": 90}, "processes outside"),
    ],
)
def test_one_wall_that_does_not_stand_refuses_to_start(seen: dict[str, Any], says: str) -> None:
    assert sandbox.weakness(STRONG) == ""
    assert says in sandbox.weakness({**STRONG, **seen})


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    sandbox._refusal.cache_clear()
    assert "bwrap is not installed" in sandbox.walls().refusal
    sandbox._refusal.cache_clear()
    settings.SANDBOX = "no"
    assert "must be" in sandbox.walls().refusal
    settings.SANDBOX = "off"
    assert sandbox.walls() == sandbox.Walls("off")


def test_the_filter_is_written_for_known_machines_alone() -> None:
    for machine in seccomp.MACHINES:
        assert len(seccomp.program(machine)) % 8 == 0
    with pytest.raises(KeyError):
        seccomp.program("m68k")
