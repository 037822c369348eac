"""Bar 3: what is executed is what was approved. One character of the plan changed, anywhere, and nothing happens."""

from __future__ import annotations

import json
import logging
import random
from typing import Any

import pytest

from app.core.models import AuditRecord
from approvals.execute import execute
from approvals.models import Execution, Proposal
from incidents.models import Incident
from tests.approvals.light import CHANGED_CODE, RERUN, Light, approve, proposal

log = logging.getLogger(__name__)


def _flipped(text: str, dice: random.Random) -> Any:
    """The plan with one character replaced that leaves it JSON, and another value than before."""
    while True:
        at = dice.randrange(len(text))
        new = chr(dice.choice([*range(32, 127), 0x200B, 0x202E, 0x0430]))
        try:
            plan = json.loads(text[:at] + new + text[at + 1 :])
        except ValueError:
            continue
        if plan != json.loads(text) and "\x00" not in json.dumps(plan):
            return plan


def _flip(world: Light, by: Any, times: int, seed: int) -> None:
    made = proposal(world, (CHANGED_CODE, RERUN))
    approve(made, by)
    text, dice = json.dumps(made.plan), random.Random(seed)  # noqa: S311 - chance for a test
    for number in range(1, times + 1):
        plan = _flipped(text, dice)
        Proposal.objects.filter(pk=made.pk).update(plan=plan, status="approved")
        Incident.objects.filter(pk=made.incident_id).update(status="fixing")
        Execution.objects.update(finished_at=None, outcome="", attempts=0)
        execute(Proposal.objects.get(pk=made.pk))
        voids = AuditRecord.objects.filter(event="execution.void")
        assert voids.count() == number, plan
        assert voids.latest("pk").detail["field"] in {"plan", "caps"}, plan
        assert Execution.objects.get().outcome == "void"
    assert (world.commits(), world.ran()) == (1, [])
    assert not AuditRecord.objects.filter(event="execution.intent").exists()
    log.warning("flips: %d of %d refused, seed %d", times, times, seed)


def test_forty_flips_of_a_plan_are_forty_refusals(world: Light, approver: Any) -> None:
    _flip(world, approver, 40, 1)


@pytest.mark.chaos
def test_a_thousand_flips_of_a_plan_are_a_thousand_refusals(world: Light, approver: Any) -> None:
    _flip(world, approver, 1000, 2)
