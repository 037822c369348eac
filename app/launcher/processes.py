"""Child processes: started in order, watched, restarted with back-off, stopped in reverse, each in its own group."""

from __future__ import annotations

import ctypes
import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from app.launcher.errors import CannotStart, StopRequested
from app.launcher.folder import DataFolder
from app.launcher.leftovers import Ledger

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
POLL_S = 0.05
QUOTED_LINES = 120  # how far up a log the reason of a failure is looked for
HURRIED_WITHIN_S = 3.5  # for all stages on Ctrl-C, which promises 5: then what is left is killed
BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_S = 60.0  # seconds alive after which a child's earlier deaths are forgotten


@dataclass(frozen=True)
class Spec:
    """One child. Higher stages stop first.

    Between the stop signal and SIGKILL it gets `grace_s`, or on Ctrl-C `hurry_s`: over all stages these stay below 5 s.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    stage: int
    grace_s: float = 5.0
    hurry_s: float = 0.4
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals | None = None  # what the kernel sends when the launcher is killed; else stop_signal
    cwd: Path | None = None
    ready: Callable[[], bool] | None = None
    ready_within_s: float = 120.0
    keep: bool = True  # restarted when it dies


@dataclass
class Child:
    spec: Spec
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)
    deaths: int = 0
    restart_at: float | None = None


class Supervisor:
    """Starts and stops children. Forks from one thread only: the parent-death signal follows the thread."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._ledger = Ledger(folder)
        self.children: list[Child] = []
        self.stop_signals: list[int] = []

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda received, _frame: self.stop_signals.append(received))

    def pause(self, seconds: float = POLL_S) -> None:
        """Wait a moment; raises StopRequested once a stop signal has come."""
        if self.stop_signals:
            raise StopRequested
        time.sleep(seconds)
        if self.stop_signals:
            raise StopRequested

    def start(self, spec: Spec) -> Child:
        child = Child(spec, self._spawn(spec))
        self.children.append(child)
        self._note()
        return child

    def wait_ready(self, child: Child) -> None:
        """Return once the child is ready; raise CannotStart with the end of its log when it dies or takes too long."""
        deadline = time.monotonic() + child.spec.ready_within_s
        while child.spec.ready is not None and not child.spec.ready():
            if child.process.poll() is not None:
                raise self._failed(child, f"{child.spec.name} ended while starting (code {child.process.returncode})")
            if time.monotonic() > deadline:
                raise self._failed(child, f"{child.spec.name} was not ready after {child.spec.ready_within_s:.0f} s")
            self.pause()

    def finish(self, child: Child) -> None:
        """Wait for a child that is meant to end by itself; raise CannotStart when it fails."""
        while child.process.poll() is None:
            self.pause()
        self.children.remove(child)
        self._note()
        if child.process.returncode != 0:
            raise self._failed(child, f"{child.spec.name} failed (code {child.process.returncode})")

    def tend(self) -> Iterator[str]:
        """Restart what died, each time a little later; yields a line per thing that happened."""
        for child in [child for child in self.children if child.process.poll() is not None]:
            if not child.spec.keep:
                self.children.remove(child)
                yield f"{child.spec.name} ended (code {child.process.returncode})"
            elif child.restart_at is None:
                if time.monotonic() - child.started > STEADY_S:
                    child.deaths = 0
                wait = BACK_OFF_S[min(child.deaths, len(BACK_OFF_S) - 1)]
                child.deaths += 1
                child.restart_at = time.monotonic() + wait
                kill_group(child.process.pid)  # because orphans of a killed parent still hold its port or its queue
                said = f"{child.spec.name} died (code {child.process.returncode})"
                yield f"{said}, starting again in {wait:g} s; see {self._folder.log(child.spec.name)}"
            elif time.monotonic() >= child.restart_at:
                child.process, child.started, child.restart_at = self._spawn(child.spec), time.monotonic(), None
            self._note()

    def stop(self, *, hurried: bool) -> None:
        """Stop stage after stage, the last started first. Afterwards no child is alive, whatever it did."""
        in_hand = len(self.stop_signals)
        latest = time.monotonic() + (HURRIED_WITHIN_S if hurried else math.inf)
        by_stage = sorted(self.children, key=lambda child: -child.spec.stage)
        for _, members in groupby(by_stage, key=lambda child: child.spec.stage):
            stage = list(members)
            for child in stage:
                if child.process.poll() is None:
                    send(child.process.pid, child.spec.stop_signal)
            began = time.monotonic()
            while any(child.process.poll() is None for child in stage):
                out_of_time = len(self.stop_signals) > in_hand or time.monotonic() > latest  # or a second Ctrl-C
                for child in stage:
                    grace = child.spec.hurry_s if hurried else child.spec.grace_s
                    if out_of_time or time.monotonic() - began > grace:
                        kill_group(child.process.pid)
                time.sleep(POLL_S / 2)
            for child in stage:
                kill_group(child.process.pid)
        self.children.clear()
        self._note()

    def _spawn(self, spec: Spec) -> subprocess.Popen[bytes]:
        parent = os.getpid()

        def die_with_parent() -> None:
            LIBC.prctl(PR_SET_PDEATHSIG, int(spec.orphan_signal or spec.stop_signal))
            if os.getppid() != parent:
                os._exit(1)

        with self._folder.log(spec.name).open("ab") as log:
            return subprocess.Popen(
                spec.argv,
                env=dict(spec.env),
                cwd=spec.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def _note(self) -> None:
        self._ledger.write({child.spec.name: child.process.pid for child in self.children})

    def _failed(self, child: Child, problem: str) -> CannotStart:
        log = self._folder.log(child.spec.name)
        lines = [line for line in log.read_text(errors="replace").splitlines()[-QUOTED_LINES:] if line.strip()]
        last = [line for line in lines if "Error" in line][-2:] or lines[-3:]
        said = "".join(f"\n    {line[:300]}" for line in last)
        return CannotStart(f"{problem}.{said}", f"read {log}, then start again; `manage.py doctor` checks each part.")


def send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def kill_group(pid: int) -> None:
    """SIGKILL to the group that `pid` leads, if any of it is left."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
