"""Children of the supervisor: order, patience, restarts, and nothing left behind."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from app.launcher.errors import CannotStart, StopRequested
from app.launcher.folder import DataFolder
from app.launcher.leftovers import born
from app.launcher.processes import Child, Spec, Supervisor
from tests.app.launcher.started import eventually

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)
NOTES_ITS_END = """
import pathlib, signal, sys, time
def end(*_):
    with pathlib.Path({log!r}).open("a") as log: log.write({name!r} + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
pathlib.Path({log!r} + "." + {name!r}).touch()
time.sleep(60)
"""


def python(name: str, code: str, *, stage: int = 0, keep: bool = True, hurry_s: float = 1.0) -> Spec:
    argv = (sys.executable, "-S", "-c", code)
    return Spec(name, argv, {"PATH": "/usr/bin:/bin"}, stage, hurry_s=hurry_s, keep=keep)


@pytest.fixture
def supervisor(folder: DataFolder) -> Supervisor:
    with folder.open():
        return Supervisor(folder)


def test_the_last_stage_stops_first(supervisor: Supervisor, folder: DataFolder) -> None:
    log = folder.run / "ends"
    for stage, name in enumerate(["database", "worker", "web"]):
        supervisor.start(python(name, NOTES_ITS_END.format(log=str(log), name=name), stage=stage))
    assert eventually(lambda: len(list(folder.run.glob("ends.*"))) == 3, 10)
    supervisor.stop(hurried=False)
    assert log.read_text().split() == ["web", "worker", "database"]


def test_one_that_ignores_the_signal_is_killed_after_its_grace(supervisor: Supervisor, folder: DataFolder) -> None:
    child = supervisor.start(python("stubborn", STUBBORN, hurry_s=0.3))
    assert eventually(lambda: "deaf" in folder.log("stubborn").read_text(), 10)
    began = time.monotonic()
    supervisor.stop(hurried=True)
    assert child.process.returncode == -signal.SIGKILL
    assert 0.3 <= time.monotonic() - began < 2


def test_the_whole_group_of_a_child_ends_with_it(supervisor: Supervisor, folder: DataFolder) -> None:
    code = "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    supervisor.start(python("parent", code))
    assert eventually(lambda: folder.log("parent").read_text().strip().isdigit(), 10)
    grandchild = int(folder.log("parent").read_text())
    assert born(grandchild)
    supervisor.stop(hurried=True)
    assert eventually(lambda: not born(grandchild), 2)


def test_one_that_dies_is_started_again_later_each_time(supervisor: Supervisor) -> None:
    child = supervisor.start(python("fragile", "import time; time.sleep(60)"))
    waits = [die_and_return(supervisor, child) for _ in range(2)]
    supervisor.stop(hurried=True)
    assert 0.4 < waits[0] < 1.0 <= waits[1]


def die_and_return(supervisor: Supervisor, child: Child) -> float:
    """Seconds from the death to the next life."""
    old = child.process.pid
    os.kill(old, signal.SIGKILL)
    child.process.wait()
    began = time.monotonic()
    assert eventually(lambda: not list(supervisor.tend()) and child.process.pid != old, 10)
    return time.monotonic() - began


def test_one_that_fails_while_starting_is_quoted(supervisor: Supervisor) -> None:
    child = supervisor.start(
        Spec("broken", ("/bin/sh", "-c", "echo no such table; exit 3"), {}, 0, ready=lambda: False, keep=False)
    )
    with pytest.raises(CannotStart) as caught:
        supervisor.wait_ready(child)
    assert "code 3" in str(caught.value) and "no such table" in str(caught.value)


def test_a_stop_signal_ends_every_wait(supervisor: Supervisor) -> None:
    child = supervisor.start(python("slow", "import time; time.sleep(60)"))
    supervisor.stop_signals.append(signal.SIGINT)
    with pytest.raises(StopRequested):
        supervisor.finish(child)
    supervisor.stop(hurried=True)
    assert not born(child.process.pid)
