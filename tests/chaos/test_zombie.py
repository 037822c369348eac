"""Bar 6: a worker that was stopped just before it publishes, and goes on after another one has finished."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest

from app.core.models import AuditRecord
from approvals.models import Proposal
from tests.approvals.light import STORY, Light, approve, proposal
from tests.chaos.pack import Pack

TRIALS = 20
WAKE_S = 3.0  # seconds that the old worker has to do harm


def _zombie(world: Light, pack: Pack, by: Any, point: str) -> None:
    table = f"raw.t{world.number}"
    world.table(table)
    made = proposal(world, STORY, table=table)
    commits, runs = world.commits(), len(world.ran())
    pack.arm(point, "stop")
    approve(made, by)
    pack.until(lambda: Proposal.objects.filter(pk=made.pk, status="done").exists(), f"the other worker, {point}")
    assert pack.fired(point)
    os.kill(int((pack.points / f"{point}.pid").read_text()), signal.SIGCONT)
    time.sleep(WAKE_S)
    assert (world.snapshots(table), world.commits(), len(world.ran())) == (2, commits + 1, runs + 1)
    records = AuditRecord.objects.filter(correlation=made.incident.number, event="execution.receipt")
    assert records.count() == len(STORY)


@pytest.mark.chaos
def test_a_worker_that_slept_through_its_lease_does_nothing_when_it_wakes(
    world: Light, pack: Pack, approver: Any
) -> None:
    for _ in range(TRIALS):
        _zombie(world, pack, approver, "before_publish")
