"""Bar 21: the kill switch pressed while a worker stands at a boundary; effects counted at the target."""

from __future__ import annotations

import logging
import os
import signal
import time
from itertools import cycle

import pytest

from app.core.audit import Actor
from app.core.models import AuditRecord, User
from approvals import kill_switch
from approvals.models import Execution, Proposal
from tests.approvals.light import API, LAKE, STORY, Light, approve, proposal
from tests.chaos.pack import Pack

log = logging.getLogger(__name__)

POINTS = ["claimed", "intent_saved", "before_publish", "published_unrecorded", "recorded", "before_rerun", "published"]
TRIALS = 12  # a boundary, by the four processes of the pack
STOP_S, HARM_S = 5.0, 2.0  # seconds until it has stopped; seconds that it then has to do harm


def _effects(world: Light, table: str) -> tuple[int, int, int]:
    return world.snapshots(table), world.commits(), len(world.ran())


def _trial(world: Light, pack: Pack, point: str, scope: str, first: User, second: User) -> float:
    """One press; seconds from the worker's going on until it has stopped or ended."""
    table = f"raw.t{world.number}"
    world.table(table)
    made = proposal(world, STORY, table=table)
    start, pid = _effects(world, table), pack.points / f"{point}.pid"
    pid.unlink(missing_ok=True)
    pack.arm(point, "stop")
    approve(made, first)
    pack.until(lambda: pid.exists() and bool(pid.read_text()), f"a worker at {point}")
    switch = kill_switch.press(
        scope.replace("TABLE", table), by=first, actor=Actor.of(first), source=API, reason="a trial"
    )
    pressed = _effects(world, table)
    os.kill(int(pid.read_text()), signal.SIGCONT)
    stopped = AuditRecord.objects.filter(event="execution.stopped", correlation=made.incident.number)
    ended = Execution.objects.filter(proposal=made).exclude(finished_at=None)
    took = pack.until(lambda: stopped.exists() or ended.exists(), f"the stop at {point}", STOP_S)
    time.sleep(HARM_S)
    assert _effects(world, table) == pressed, f"{point} {scope}: an effect after the press"
    kill_switch.lift(switch, by=second, actor=Actor.of(second), source=API)
    pack.until(lambda: Proposal.objects.filter(pk=made.pk, status="done").exists(), f"the end after {point}")
    assert _effects(world, table) == (start[0] + 1, start[1] + 1, start[2] + 1)
    return took


@pytest.mark.chaos
@pytest.mark.parametrize("point", POINTS)
def test_nothing_is_published_after_a_press_at_this_boundary(
    world: Light, pack: Pack, approver: User, second_approver: User, point: str
) -> None:
    scopes = cycle(["all", "connection:code", "action:quarantine", f"asset:{LAKE}/TABLE"])
    took = [_trial(world, pack, point, next(scopes), approver, second_approver) for _ in range(TRIALS)]
    log.warning("kill switch: %s, %d trials, stopped within %.2f s", point, TRIALS, max(took))
