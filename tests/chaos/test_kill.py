"""Bar 2: SIGKILL at each boundary, of the pool's child and separately of its parent; effects counted at the target."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from app.core.audit import Actor
from app.core.models import AuditRecord
from approvals.models import Execution, Proposal
from approvals.undo import ask_undo
from tests.approvals.light import API, STORY, Light, approve, proposal
from tests.chaos.pack import Pack

log = logging.getLogger(__name__)

FORWARD = [
    "claimed",
    "intent_saved",
    "before_publish",
    "published_unrecorded",
    "recorded",
    "before_rerun",
    "rerun_unrecorded",
    "published",
    "validated",
]
BACK = ["undo_claimed", "before_undo", "undone_unrecorded", "undone"]
TRIALS = 5
ENDED = {"done", "failed", "superseded", "undone"}


def _status(made: Proposal) -> str:
    return Proposal.objects.values_list("status", flat=True).get(pk=made.pk)


def _heal(world: Light, pack: Pack, by: Any, point: str, whom: str) -> float:
    """One trial: a table of its own, armed, signed, killed, and in the end done exactly once."""
    table = f"raw.t{world.number}"
    world.table(table)
    made = proposal(world, STORY, table=table)
    commits, runs = world.commits(), len(world.ran())
    pack.arm(point, whom)
    approve(made, by)
    seconds = pack.until(lambda: _status(made) in ENDED, f"{point} {whom}")
    made.refresh_from_db()
    assert (made.status, made.incident.status) == ("done", "resolved"), made.status_reason
    assert pack.fired(point), f"{point} was never reached"
    assert (world.snapshots(table), world.commits(), len(world.ran())) == (2, commits + 1, runs + 1)
    records = AuditRecord.objects.filter(correlation=made.incident.number)
    assert [records.filter(event=f"execution.{name}").count() for name in ("intent", "receipt")] == [3, 3]
    return seconds


def _undo(world: Light, pack: Pack, by: Any, point: str, whom: str) -> float:
    table = f"raw.t{world.number}"
    world.table(table)
    before, tree = world.rows(table), world.code.git.text("rev-parse", "main^{tree}")
    made = proposal(world, STORY, table=table)
    approve(made, by)
    pack.until(lambda: _status(made) in ENDED, "the fix")
    assert _status(made) == "done", Proposal.objects.get(pk=made.pk).status_reason
    snapshots, commits = world.snapshots(table), world.commits()
    pack.arm(point, whom)
    ask_undo(Execution.objects.get(proposal=made), by=by, actor=Actor.of(by), source=API)
    seconds = pack.until(lambda: _status(made) == "undone", f"{point} {whom}")
    assert pack.fired(point), f"{point} was never reached"
    assert (world.rows(table), world.code.git.text("rev-parse", "main^{tree}")) == (before, tree)
    assert (world.snapshots(table), world.commits()) == (snapshots + 1, commits + 1)
    return seconds


def _say(name: str, point: str, whom: str, seconds: list[float], pack: Pack) -> None:
    worst = max(seconds)
    log.warning("%s %s %s: %d trials, worst %.1f s, %d restarts", name, point, whom, len(seconds), worst, pack.restarts)


def test_a_worker_killed_between_two_steps_is_followed_by_one_that_finds_what_was_done(
    world: Light, pack: Pack, approver: Any
) -> None:
    _heal(world, pack, approver, "published_unrecorded", "child")
    _heal(world, pack, approver, "before_rerun", "parent")


@pytest.mark.chaos
@pytest.mark.parametrize("whom", ["child", "parent"])
@pytest.mark.parametrize("point", FORWARD)
def test_a_fix_ends_once_wherever_its_worker_is_killed(
    world: Light, pack: Pack, approver: Any, point: str, whom: str
) -> None:
    seconds = [_heal(world, pack, approver, point, whom) for _ in range(TRIALS)]
    _say("fix", point, whom, seconds, pack)


@pytest.mark.chaos
@pytest.mark.parametrize("whom", ["child", "parent"])
@pytest.mark.parametrize("point", BACK)
def test_an_undo_ends_once_wherever_its_worker_is_killed(
    world: Light, pack: Pack, approver: Any, point: str, whom: str
) -> None:
    seconds = [_undo(world, pack, approver, point, whom) for _ in range(TRIALS)]
    _say("undo", point, whom, seconds, pack)
