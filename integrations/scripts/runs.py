"""Run folders: `<workspace>/runs/<key>/` holds the claim, the code, the log and at last the result of one run.

The result is written once, whole; a run whose result is there never runs again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from integrations.effects import RunOutcome
from integrations.errors import Unreachable
from integrations.values import LOG_LIMIT, as_json, from_json

KEEP_S = 3 * 24 * 3600  # seconds that the files of a run stay: longer than it can be undone; its result stays
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_LEAN = {"claim", "result.json", "log.txt"}


class RunFolder:
    def __init__(self, workspace: Path, key: str) -> None:
        name = key if _PLAIN.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()
        self.path = workspace / "runs" / name
        self.log = self.path / "log.txt"
        self._result = self.path / "result.json"

    @contextmanager
    def claimed(self) -> Iterator[int]:
        """One process at a time; yields the descriptor to pass on to children, who keep the claim while they live.

        Raises `Unreachable` while another run of this key, or a child that outlived it, goes on.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        claim = os.open(self.path / "claim", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Unreachable("This run is still going on.", retry_after_s=5.0) from error
            yield claim
        finally:
            os.close(claim)

    def outcome(self) -> RunOutcome | None:
        try:
            return from_json(RunOutcome, json.loads(self._result.read_text()))
        except FileNotFoundError:
            return None

    def keep(self, outcome: RunOutcome) -> RunOutcome:
        written = self._result.with_suffix(".new")
        with written.open("w") as file:
            json.dump(as_json(outcome), file, default=str)
            file.flush()
            os.fsync(file.fileno())
        written.replace(self._result)
        return outcome

    def said(self) -> str:
        """The end of the log, where the decisive lines are."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 4 * LOG_LIMIT))
            return file.read().decode(errors="replace")[-LOG_LIMIT:]

    def fresh(self, name: str) -> Path:
        """A path below this folder at which nothing is, also after an attempt that died."""
        path = self.path / name
        shutil.rmtree(path, ignore_errors=True)
        return path


def sweep(workspace: Path) -> None:
    """Let go of the large files of old runs; what they did stays known."""
    for folder in (workspace / "runs").glob("*"):
        if time.time() - folder.stat().st_mtime > KEEP_S and (folder / "result.json").exists():
            for item in folder.iterdir():
                if item.is_dir():
                    shutil.rmtree(item, ignore_errors=True)
                elif item.name not in _LEAN:
                    item.unlink(missing_ok=True)
