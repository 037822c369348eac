"""A child process of a person's own code: no shell, little environment, a group of its own, and an end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from integrations.errors import Unreachable

GRACE_S = 5.0  # seconds that a process has after each signal
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


@dataclass(frozen=True)
class Finished:
    code: int
    seconds: float
    timed_out: bool = False


def environment(home: Path, *more: Mapping[str, str]) -> dict[str, str]:
    """What every child is given; nothing of ours is inherited."""
    base = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for values in more:
        base |= {name: str(value) for name, value in values.items()}
    return base


def configured(settings: Mapping[str, object], secret: Callable[[str], str]) -> dict[str, str]:
    """`environment` and `secrets` (variable to vault entry) of a connection, secrets opened."""
    plain = {str(name): str(value) for name, value in _mapping(settings.get("environment")).items()}
    return plain | {str(name): secret(str(entry)) for name, entry in _mapping(settings.get("secrets")).items()}


def command_of(words: Sequence[str]) -> list[str]:
    """`python` is the interpreter that runs us, so that scripts find what is installed beside us."""
    return [
        sys.executable if word in ("python", "python3") and place == 0 else word for place, word in enumerate(words)
    ]


def run(
    words: Sequence[str], *, folder: Path, env: Mapping[str, str], log: Path, timeout_s: float, keep: Sequence[int] = ()
) -> Finished:
    """Run to the end or to the timeout; everything it says goes to the end of `log`.

    The file descriptors `keep` stay open in the child: a lock among them is held as long as the child lives, also when
    we are killed meanwhile.
    """
    started = time.monotonic()
    with log.open("ab") as output:
        try:
            child = subprocess.Popen(
                command_of(words),
                cwd=folder,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=tuple(keep),
            )
        except OSError as error:
            raise Unreachable(f"{words[0]} could not be started: {error.strerror}.") from error
    timed_out = False
    try:
        child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        _end(child)
    return Finished(child.returncode, time.monotonic() - started, timed_out)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask, insist, force; the last word goes to the whole group, so that nothing is left behind."""
    for number in _SIGNALS:
        if child.poll() is None:
            _signal(child, number)
            with suppress(subprocess.TimeoutExpired):
                child.wait(GRACE_S)
    _signal(child, signal.SIGKILL)


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _mapping(value: object) -> Mapping[object, object]:
    return value if isinstance(value, Mapping) else {}
