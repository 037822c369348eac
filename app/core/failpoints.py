"""Named lines at which a test may kill this process. Inert unless a test arms one."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

# The boundaries of an execution, in the order in which it comes past them.
POINTS = [
    "claimed",
    "intent_saved",
    "before_publish",
    "published_unrecorded",
    "before_rerun",
    "rerun_unrecorded",
    "before_ask",
    "asked_unrecorded",
    "before_close",
    "closed_unrecorded",
    "recorded",
    "published",
    "validated",
    "undo_claimed",
    "before_undo",
    "undone_unrecorded",
    "undone",
]

FOLDER = "FAILPOINT_DIR"  # a file here, named like a point, arms it once; its text says whom it kills
NAME = "FAILPOINT"  # arms one point in this process and its children, once, marked in the folder above


def failpoint(name: str) -> None:
    """Kill this process with SIGKILL when `name` is armed; the file's text may say otherwise.

    `parent` kills the pool's parent first; `stop` only stops this process, as a long pause of its host would.
    """
    if FOLDER not in os.environ:
        return
    folder = Path(os.environ[FOLDER])
    victim = _disarm(folder / name) if os.environ.get(NAME) != name else _once(folder / f"{name}.fired")
    if victim == "stop":
        (folder / f"{name}.pid").write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)
        return
    if victim == "parent":
        os.kill(os.getppid(), signal.SIGKILL)
    if victim:
        os.kill(os.getpid(), signal.SIGKILL)


def _disarm(armed: Path) -> str:
    """Only one process wins the rename, so that one armed file is one death."""
    with suppress(FileNotFoundError):
        fired = armed.rename(armed.with_suffix(".fired"))
        return fired.read_text().strip() or "child"
    return ""


def _once(mark: Path) -> str:
    with suppress(FileExistsError):
        mark.touch(exist_ok=False)
        return "child"
    return ""
