"""What an agent and everything that it started hold in memory, altogether: read from /proc, ended above the bound.

A limit of the kernel is for one process. A watch sees the sum a moment later, so that much can be held for that moment.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST = 2 * 1024**3  # bytes of resident memory of a whole tree; what processes share is counted for each
EVERY_S = 0.1  # seconds between two looks
PAGE = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")


@contextmanager
def watched(child: subprocess.Popen[bytes], most: int = MOST) -> Iterator[threading.Event]:
    """While this lasts, `child` is killed when its tree holds more than `most` bytes; the event says that it was."""
    over, done = threading.Event(), threading.Event()

    def watch() -> None:
        while child.poll() is None and not done.wait(EVERY_S):
            if held(child.pid) > most:
                over.set()
                child.kill()
                return

    looking = threading.Thread(target=watch, name="agent-memory", daemon=True)
    looking.start()
    try:
        yield over
    finally:
        done.set()
        looking.join()


def held(root: int) -> int:
    """Resident bytes of a process and its descendants; what ends meanwhile holds nothing."""
    below: dict[int, list[int]] = defaultdict(list)
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (parent := _parent(entry)):
            below[parent].append(int(entry.name))
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        total += _resident(PROC / str(pid))
        waiting += below[pid]
    return total


def _parent(process: Path) -> int:
    """The fourth field; the second is a name in brackets that may hold anything, brackets too."""
    said = _read(process / "stat").rpartition(b")")[2].split()
    return int(said[1]) if len(said) > 1 else 0


def _resident(process: Path) -> int:
    said = _read(process / "statm").split()
    return int(said[1]) * PAGE if len(said) > 1 else 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
