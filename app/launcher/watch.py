"""The process in front of the launcher. It survives the launcher, so that even `kill -9` leaves nothing running.

The launcher is its child and gets SIGTERM when the watch dies; whatever the launcher's children leave becomes a child
of the watch (PR_SET_CHILD_SUBREAPER), which ends it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable

from app.launcher.leftovers import descendants

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
ORDERLY_S = 0.3  # seconds for the last children to end by themselves after an orderly stop
ORPHANED_S = 3.0  # seconds after the launcher was killed: its children got their stop signals from the kernel
LIBC = ctypes.CDLL(None, use_errno=True)


def under_watch(work: Callable[[], int], listen: Callable[[], None]) -> int:
    """Run `work` in a child that `listen`s for signals; return its exit code once everything below it is gone."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
    sys.stdout.flush()
    sys.stderr.flush()
    watch = os.getpid()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # because one between fork and handler would be lost
    launcher = os.fork()
    if launcher == 0:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        os.setpgid(0, 0)  # because the terminal's Ctrl-C must arrive once, through the watch
        listen()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        code = work() if os.getppid() == watch else 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    for number in signals:
        signal.signal(number, lambda received, _frame: _forward(launcher, received))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    status = _outlive(launcher)
    _sweep(ORDERLY_S if os.WIFEXITED(status) else ORPHANED_S)
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1


def _forward(launcher: int, number: int) -> None:
    try:
        os.kill(launcher, number)
    except ProcessLookupError:
        return


def _outlive(launcher: int) -> int:
    while True:
        pid, status = os.wait()
        if pid == launcher:
            return status


def _sweep(patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        _reap()
        left = descendants(os.getpid())
        if not left:
            return
        if time.monotonic() > deadline:
            for pid in left:
                _kill(pid)
        time.sleep(0.02)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
