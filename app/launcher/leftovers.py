"""What a killed start left behind: the ledger of processes that we started, and the way to end them."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from app.launcher.errors import CannotStart
from app.launcher.folder import DataFolder, read_json, write_private

PROC = Path("/proc")
END_WITHIN_S = 5.0


class Ledger:
    """`run/processes.json`: name, pid and start time of every child, to tell ours from strangers later."""

    def __init__(self, folder: DataFolder) -> None:
        self._path = folder.run / "processes.json"

    def write(self, pids: dict[str, int]) -> None:
        known = {name: {"pid": pid, "born": born(pid)} for name, pid in pids.items()}
        write_private(self._path, json.dumps(known), durable=False)

    def alive(self) -> dict[str, int]:
        """The recorded processes that still run; a pid that meanwhile belongs to another process is not one."""
        kept = read_json(self._path)
        return {name: one["pid"] for name, one in kept.items() if one["born"] and born(one["pid"]) == one["born"]}


def born(pid: int) -> str:
    """The start time of a process in clock ticks since boot (proc(5), field 22), empty when it is gone or a zombie."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]


def clear(folder: DataFolder) -> list[str]:
    """End what an earlier, killed start left running on `folder`; the names of what was ended."""
    found = Ledger(folder).alive()
    found |= {f"postgres {pid}": pid for pid in _inside(folder.pg) if pid not in found.values()}
    for name, pid in found.items():
        _signal(pid, signal.SIGINT if name.startswith("postgres") else signal.SIGTERM)
    deadline = time.monotonic() + END_WITHIN_S
    while any(born(pid) for pid in found.values()) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in found.values():
        _kill_group(pid)
    stale = folder.pg / "postmaster.pid"
    if stale.exists() and not list(_inside(folder.pg)):
        stale.unlink()  # because its number may by now belong to a stranger, and PostgreSQL would refuse to start
    return sorted(found)


def descendants(root: int) -> list[int]:
    """Every living process below `root`."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found, queue = [], [root]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if fields[0] != "Z":
                yield int(entry.name), int(fields[1])


def _inside(folder: Path) -> Iterator[int]:
    """The processes whose working directory is `folder`, as a PostgreSQL server's is its data folder."""
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cwd").readlink() == folder:
                    yield int(entry.name)
            except OSError:
                continue


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise CannotStart(
            f"Process {pid} of an earlier start still runs and belongs to another user.",
            f"stop it as that user (kill {pid}), then start again.",
        ) from error


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
