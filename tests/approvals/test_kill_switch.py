"""Which switch stops which plan, and who lets it go on."""

from __future__ import annotations

import pytest

from app.core.audit import Actor
from app.core.models import AuditRecord, User
from approvals import carry, execute, kill_switch
from approvals.models import KillSwitch, Proposal
from approvals.steps import publish, rerun
from tests.approvals.light import API, STORY, Light, approve, proposal
from tests.approvals.test_safety import URI, held


@pytest.mark.django_db
@pytest.mark.parametrize("scope", ["all", "action:quarantine", "connection:lake", f"asset:{URI}"])
def test_a_switch_that_covers_the_plan_is_found(scope: str, operator: User) -> None:
    made = held([["c", "=", 1]])
    KillSwitch.objects.create(scope="connection:other", pressed_by=operator)
    assert kill_switch.stopped(made) is None
    KillSwitch.objects.create(scope=scope, pressed_by=operator)
    assert kill_switch.stopped(made) == scope


BOUNDARIES = {  # of the second proposal's way, with how many of its three effects are there by then
    "claimed": 0, "intent_saved": 0, "before_publish": 0, "published_unrecorded": 1, "recorded": 1, "before_rerun": 2,
}  # fmt: skip
SCOPES = ["all", "connection:jobs", "action:quarantine", "asset:iceberg://lake/raw.orders"]


def _effects(world: Light) -> int:
    return world.snapshots() - 1 + world.commits() - 1 + len(world.ran())


@pytest.mark.parametrize(("point", "effects"), BOUNDARIES.items())
def test_a_press_at_any_boundary_is_the_last_thing_before_which_anything_happens(
    world: Light, approver: User, second_approver: User, monkeypatch: pytest.MonkeyPatch, point: str, effects: int
) -> None:
    made, scope = proposal(world, STORY), SCOPES[len(point) % len(SCOPES)]
    approve(made, approver)

    def pressed(name: str) -> None:
        if name == point and not KillSwitch.objects.exists():
            kill_switch.press(scope, by=approver, actor=Actor.of(approver), source=API)

    for module in (execute, carry, publish, rerun):
        monkeypatch.setattr(module, "failpoint", pressed)
    execute.execute(Proposal.objects.get(pk=made.pk))
    assert _effects(world) == effects
    assert AuditRecord.objects.filter(event="execution.stopped").exists()
    execute.execute(Proposal.objects.get(pk=made.pk))  # rung again while it is on, by whoever took it up
    assert _effects(world) == effects
    kill_switch.lift(KillSwitch.objects.get(), by=second_approver, actor=Actor.of(second_approver), source=API)
    execute.execute(Proposal.objects.get(pk=made.pk))
    made.refresh_from_db()
    assert (made.status, _effects(world)) == ("validating", 3)
