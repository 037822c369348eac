"""What a rule demands of a signature holds when it is given, and again before each effect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core import clock
from app.core.audit import Actor, Source
from app.core.errors import NotAllowed
from app.core.models import User
from app.core.stepup import StepUpNeeded
from approvals.authority import is_signed
from approvals.decide import decide
from approvals.models import Decision, Execution, Proposal
from approvals.policy.rules import Needs, Rule
from approvals.signing import bar
from approvals.verify import expiry
from tests import factories
from tests.approvals.light import CHANGED_CODE, Light, proposal
from tests.approvals.policies import put_in_force


def ask(world: Light, needs: Needs, risk: str = "low") -> Proposal:
    put_in_force(Rule("As the test asks", needs=needs))
    return proposal(world, (CHANGED_CODE,), risk=risk)


def sign(made: Proposal, by: User, door: str = "web", **session: Any) -> None:
    actor = Actor.of(by, {"id": "s", **session})
    decide(made, "approve", fingerprint=made.fingerprint, by=by, actor=actor, source=Source(door))
    made.refresh_from_db()


def fresh(minutes: int = 0) -> str:
    return (clock.now() - timedelta(minutes=minutes)).isoformat()


def test_only_the_group_signs_and_leaving_it_takes_the_signature_along(world: Light, approver: User) -> None:
    made = ask(world, Needs(groups=("finance",)))
    with pytest.raises(NotAllowed, match="group finance"):
        sign(made, approver)
    assert bar(made, approver).why_not == "The policy asks for somebody of the group finance."
    carla = factories.user("carla", "approver", member_of=["finance"])
    sign(made, carla)
    assert made.status == "approved" and is_signed(made)
    User.objects.filter(pk=carla.pk).update(member_of=[])
    assert not is_signed(made)


def test_one_from_each_group_beside_the_others(world: Light, approver: User, second_approver: User) -> None:
    made = ask(world, Needs(2, one_from=("finance",)))
    sign(made, approver)
    sign(made, second_approver)
    assert made.status == "awaiting_decision" and not Execution.objects.exists()
    shown = bar(made, factories.user("carla", "approver", member_of=["finance"]))
    assert (shown.needed, shown.given, shown.state) == (3, 2, "yours")
    sign(made, User.objects.get(username="carla"))
    assert made.status == "approved"


def test_a_door_that_the_rule_does_not_name_is_closed(world: Light, approver: User) -> None:
    made = ask(world, Needs(doors=("web", "slack")))
    with pytest.raises(NotAllowed, match="on the web or in Slack only"):
        sign(made, approver, "api")
    sign(made, approver, "slack")
    assert made.status == "approved"
    Decision.objects.update(door="api")
    assert not is_signed(made)


def test_high_risk_is_signed_on_the_web_by_two_who_just_showed_who_they_are(
    world: Light, approver: User, second_approver: User
) -> None:
    made = ask(world, Needs(1), "high")
    for door in ("slack", "api"):
        with pytest.raises(NotAllowed, match="on the web only"):
            sign(made, approver, door, step_up_at=fresh())
    for said in ({}, {"step_up_at": fresh(11)}, {"step_up_at": fresh(-5)}, {"step_up_at": "yes"}):
        with pytest.raises(StepUpNeeded):
            sign(made, approver, **said)
    sign(made, approver, step_up_at=fresh(9))
    assert made.status == "awaiting_decision"
    sign(made, second_approver, step_up_at=fresh())
    assert made.status == "approved" and is_signed(made)
    row = Decision.objects.get(by=approver)
    row.source["session"]["step_up_at"] = fresh(30)
    row.save()
    assert not is_signed(made)


def test_a_second_factor_is_not_a_password_given_twice(world: Light, approver: User) -> None:
    made = ask(world, Needs(second_factor=True))
    with pytest.raises(NotAllowed, match="second factor"):
        sign(made, approver, step_up_at=fresh(), mfa=False)
    sign(made, approver, step_up_at=fresh(), mfa=True)
    assert made.status == "approved"


def test_hours_end_the_time_to_decide_sooner() -> None:
    assert _hours(None, None) == 24 and _hours(None, 2) == 2
    assert _hours(6, 2) == 2 and _hours(6, None) == 6 and _hours(0.2, 8) == 1


def _hours(load_h: float | None, until_h: int | None) -> float:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    load = now + timedelta(hours=load_h) if load_h is not None else None
    return (expiry(now, load, until_h) - now) / timedelta(hours=1)


@pytest.mark.parametrize("role", ["viewer", "operator", "auditor", "administrator"])
def test_a_role_beside_the_right_to_decide_is_asked_for(world: Light, approver: User, role: str) -> None:
    made = ask(world, Needs(roles=(role,)))
    with pytest.raises(NotAllowed, match=f"one of the roles: {role}"):
        sign(made, approver)
    with pytest.raises(NotAllowed):
        sign(made, factories.user("other", role))
    sign(made, factories.user("both", role, "approver"))
    assert made.status == "approved"
