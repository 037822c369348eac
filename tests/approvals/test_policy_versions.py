"""A change of the policy is itself signed, by somebody else, and voids what was open under the old one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.db.models.functions import Now

from app.core import clock
from app.core.audit import Actor
from app.core.errors import Expired, Invalid, NotAllowed, Stale
from app.core.models import AuditRecord, User
from app.core.stepup import StepUpNeeded
from approvals import policy
from approvals.deadlines import deadlines
from approvals.decide import decide
from approvals.execute import execute
from approvals.models import Execution, PolicyVersion, Proposal
from approvals.policy.propose import propose
from approvals.policy.rules import Needs, Rule, When
from approvals.policy.sign import refuse, sign
from approvals.policy.versions import Altered
from tests import factories
from tests.approvals.light import API, CHANGED_CODE, DATA, Light, approve, proposal
from tests.approvals.policies import put_in_force

RULES = (Rule("Raw data needs two", When(asset=("raw.*",)), Needs(2)), Rule("The rest needs one"))


def stepped(person: User, **more: Any) -> dict[str, Any]:
    session = {"id": "s", "mfa": True, "step_up_at": clock.now().isoformat(), **more}
    return {"by": person, "actor": Actor.of(person, session), "source": API}


def put_forward(by: User, rules: tuple[Rule, ...] = RULES, based_on: int = 0) -> PolicyVersion:
    return propose(rules, based_on=based_on, note="Two for raw data.", **stepped(by))


def events(start: str) -> list[str]:
    return list(AuditRecord.objects.filter(event__startswith=start).order_by("pk").values_list("event", flat=True))


def test_it_holds_when_another_person_signed_it(administrator: User, approver: User) -> None:
    version = put_forward(administrator)
    assert policy.in_force().number == 0
    sign(version, sha256=version.sha256, **stepped(approver))
    assert (policy.in_force().number, policy.in_force().rules) == (1, RULES)
    second = put_forward(administrator, (Rule("One"),), based_on=1)
    sign(second, sha256=second.sha256, **stepped(approver))
    rows = PolicyVersion.objects.order_by("number").values_list("number", "status", "decided_by__username")
    assert list(rows) == [(1, "replaced", "approver"), (2, "in_force", "approver")]
    assert events("policy.") == ["policy.proposed", "policy.signed"] * 2


def test_nobody_signs_their_own(administrator: User, approver: User) -> None:
    both = factories.user("both", "administrator", "approver")
    version = put_forward(both)
    with pytest.raises(NotAllowed, match="another person"):
        sign(version, sha256=version.sha256, **stepped(both))
    with pytest.raises(NotAllowed):
        sign(version, sha256=version.sha256, by=administrator, actor=Actor.of(approver), source=API)
    with pytest.raises(NotAllowed):
        sign(version, sha256=version.sha256, **stepped(administrator, scopes=["decide"]))
    with pytest.raises(StepUpNeeded):
        sign(version, sha256=version.sha256, by=approver, actor=Actor.of(approver), source=API)
    assert policy.in_force().number == 0
    assert events("policy.denied") == ["policy.denied"] * 4


@pytest.mark.parametrize("who", ["viewer", "operator", "auditor", "outsider"])
def test_others_neither_propose_nor_sign(request: pytest.FixtureRequest, administrator: User, who: str) -> None:
    other = request.getfixturevalue(who)
    with pytest.raises(NotAllowed):
        put_forward(other)
    version = put_forward(administrator)
    with pytest.raises(NotAllowed):
        sign(version, sha256=version.sha256, **stepped(other))
    with pytest.raises(NotAllowed):
        refuse(version, reason="no", **stepped(other))


def test_what_cannot_be_proposed(administrator: User, approver: User) -> None:
    with pytest.raises(NotAllowed):
        put_forward(approver)
    with pytest.raises(Invalid, match="Rule 1: Between"):
        put_forward(administrator, (Rule("x", needs=Needs(0)),))
    with pytest.raises(Invalid, match="Nothing is different"):
        put_forward(administrator, policy.in_force().rules)
    with pytest.raises(Stale, match="Version 0"):
        put_forward(administrator, based_on=4)
    with pytest.raises(Invalid, match="Say why"):
        propose(RULES, based_on=0, note=" ", **stepped(administrator))
    put_forward(administrator)
    with pytest.raises(Stale, match="waits for its second"):
        put_forward(administrator, (Rule("One"),))


def test_what_cannot_be_signed(administrator: User, approver: User) -> None:
    version = put_forward(administrator)
    with pytest.raises(Stale):
        sign(version, sha256="0" * 64, **stepped(approver))
    put_in_force(Rule("Meanwhile"))
    with pytest.raises(Stale, match="came into force"):
        sign(version, sha256=version.sha256, **stepped(approver))
    refuse(version, reason="Too late.", **stepped(approver))
    with pytest.raises(Stale, match="refused already"):
        sign(version, sha256=version.sha256, **stepped(approver))
    old = put_forward(administrator, based_on=2)
    PolicyVersion.objects.filter(pk=old.pk).update(proposed_at=Now() - timedelta(days=8))
    with pytest.raises(Expired):
        sign(old, sha256=old.sha256, **stepped(approver))
    put_forward(administrator, (Rule("Anew"),), based_on=2)
    old.refresh_from_db()
    assert old.status == "lapsed"


def test_a_version_stays_as_it_was_proposed(administrator: User) -> None:
    version = put_forward(administrator)
    changes: list[dict[str, Any]] = [{"rules": []}, {"sha256": "0" * 64}, {"author": None}]
    for change in changes:
        with pytest.raises(DatabaseError), transaction.atomic():
            PolicyVersion.objects.filter(pk=version.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        version.delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        PolicyVersion.objects.filter(pk=version.pk).update(status="in_force")


def test_a_signed_change_voids_what_was_open(world: Light, administrator: User, approver: User) -> None:
    signed, waiting = proposal(world, (DATA,)), proposal(world, (CHANGED_CODE,))
    approve(signed, approver)
    version = put_forward(administrator)
    deadlines()
    waiting.refresh_from_db()
    assert waiting.status == "awaiting_decision"  # proposed is not in force
    sign(version, sha256=version.sha256, **stepped(approver))
    with pytest.raises(Stale, match="policy"):
        decide(waiting, "approve", fingerprint=waiting.fingerprint, by=approver, actor=Actor.of(approver), source=API)
    before = world.snapshots()
    execute(Proposal.objects.get(pk=signed.pk))
    assert (world.snapshots(), Execution.objects.get().outcome) == (before, "void")
    assert AuditRecord.objects.get(event="execution.void").detail["field"] == "policy"
    deadlines()
    waiting.refresh_from_db()
    assert (waiting.status, waiting.incident.status) == ("superseded", "open")
    assert waiting.status_reason == "The policy changed after this was verified."


def test_an_altered_policy_lets_nothing_be_signed(world: Light, approver: User) -> None:
    made = proposal(world, (CHANGED_CODE,))
    PolicyVersion.objects.create(
        number=1, rules=[Rule("x").as_json()], sha256="0" * 64, based_on=0, status="in_force", author=approver,
        decided_by=approver,
    )  # fmt: skip
    with pytest.raises(Altered):
        decide(made, "approve", fingerprint=made.fingerprint, by=approver, actor=Actor.of(approver), source=API)
    assert AuditRecord.objects.filter(event="decision.denied").count() == 1
