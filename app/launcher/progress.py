"""What a person sees while Countersign starts: one line per step, with the time it took."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol


class Writes(Protocol):
    def write(self, msg: str) -> object: ...

    def flush(self) -> None: ...


class Progress:
    def __init__(self, out: Writes) -> None:
        self._out = out
        self._started = time.monotonic()

    def step(self, text: str) -> None:
        self.say(f"[{time.monotonic() - self._started:5.1f} s] {text}")

    def say(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


class Tail:
    """The new lines of a log that another process writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = size(path)

    def lines(self) -> list[str]:
        with self._path.open("rb") as log:
            log.seek(self._read)
            whole, newline, _ = log.read().rpartition(b"\n")
        self._read += len(whole) + len(newline)
        return [line for line in whole.decode(errors="replace").splitlines() if line.strip()]


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def has_said(path: Path, since: int, word: bytes) -> bool:
    """True once the log holds `word` beyond the byte `since`."""
    if not path.exists():
        return False
    with path.open("rb") as log:
        log.seek(since)
        return word in log.read()
