"""Many processes that each hold what one may: the whole tree is ended, behind the walls and without them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from incidents.agent import memory, sandbox
from tests.incidents.test_sandbox import needs_walls

MB = 1024**2
EACH, MOST = 60 * MB, 250 * MB
HOLD = f"held = bytearray(b'x') * {EACH}"
MANY = f"""
import os, signal
for _ in range(8):
    if os.fork() == 0:
        {HOLD}
        signal.pause()
signal.pause()
"""
ONE = f"{HOLD}; print('fits')"


@contextmanager
def running(code: str, *, walls: bool) -> Iterator[subprocess.Popen[bytes]]:
    argv, fds = sandbox.inside([*sandbox._python(), code]) if walls else ([sys.executable, "-c", code], [])
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, pass_fds=fds, cwd="/", start_new_session=True)
    for fd in fds:
        os.close(fd)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        with suppress(ProcessLookupError):  # without walls what it started stays behind
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate(timeout=60)


@pytest.mark.parametrize("walls", [False, pytest.param(True, marks=needs_walls)])
def test_a_tree_that_holds_more_altogether_is_ended(walls: bool) -> None:
    with running(MANY, walls=walls) as child, memory.watched(child, MOST) as over:
        assert child.wait(timeout=60) == -9
        assert over.is_set()


@pytest.mark.parametrize("walls", [False, pytest.param(True, marks=needs_walls)])
def test_one_that_holds_less_comes_to_its_end(walls: bool) -> None:
    with running(ONE, walls=walls) as child, memory.watched(child, MOST) as over:
        assert child.stdout
        assert child.stdout.read() == b"fits\n"
        assert child.wait(timeout=60) == 0 and not over.is_set()


def test_what_children_hold_counts_and_a_name_with_brackets_hides_nothing(tmp_path: Path) -> None:
    odd = tmp_path / "a) 1 (b"
    odd.symlink_to("/bin/sleep")
    code = f"import subprocess, sys; {HOLD}; subprocess.run([{str(odd)!r}, '600'])"
    with running(code, walls=False) as child:
        below: list[Path] = []
        while memory.held(child.pid) <= EACH or not below:  # until it holds it and has started the other
            assert child.poll() is None
            below = [one.parent for one in memory.PROC.glob("[0-9]*/comm") if memory._read(one) == b"a) 1 (b\n"]
        assert [memory._parent(one) for one in below] == [child.pid]
    assert memory.held(child.pid) == 0
