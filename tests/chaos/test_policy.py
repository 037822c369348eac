"""Bars 3 and 13, as far as they are the policy's: what is asked of the signatures cannot be moved or got round."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from django.db import connection

from app.core import clock
from app.core.audit import WORKER, Actor, Source
from app.core.errors import CountersignError
from app.core.models import AuditRecord, User
from approvals import policy
from approvals.catalogue import RISKS
from approvals.decide import decide
from approvals.execute import execute
from approvals.models import Decision, Execution, PolicyVersion, Proposal
from approvals.policy.rules import DOORS, Needs, Rule, When
from incidents.models import Asset, Incident
from tests import factories
from tests.approvals.light import CHANGED_CODE, Light, approve, proposal
from tests.approvals.policies import put_in_force

log = logging.getLogger(__name__)
REST = Rule("The rest")


def _random(dice: random.Random) -> tuple[Rule, ...]:
    """A policy under which three people of the groups a, b and c can sign."""

    def some(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dice.sample(values, dice.randrange(1, len(values) + 1)))

    def needs() -> Needs:
        groups = tuple(dice.sample("abc", dice.randrange(2, 4))) if dice.random() < 0.3 else ()  # high risk takes two
        count = dice.randrange(1, len(groups or "abc") + 1)
        doors = ("web", *dice.sample(DOORS[1:], dice.randrange(3)))
        return Needs(count, ("approver",), groups, (), doors, dice.random() < 0.2, dice.choice([None, 4]))

    whens = [When(risk=some(RISKS)), When(action=("patch_code", "retry")), When(asset=("raw.*",)), When(tier=("1",))]
    rules = [Rule(f"Rule {at}", dice.choice(whens), needs()) for at in range(dice.randrange(3))]
    return (*rules, Rule("The rest", needs=needs()))


# --- bar 3: an approval is void as soon as the policy is another one ------------------------------------------


def _raw(sql: str, *values: Any) -> None:
    """As somebody at the database would, past the triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(sql, values)
        cursor.execute("SET session_replication_role = DEFAULT")


def _tampered(made: Proposal, **fields: Any) -> None:
    made.refresh_from_db()
    Proposal.objects.filter(pk=made.pk).update(policy={**made.policy, **fields})


CHANGES: dict[str, Callable[[Proposal], object]] = {
    "another demand": lambda made: put_in_force(replace(REST, needs=Needs(within_h=3))),
    "another name": lambda made: put_in_force(replace(REST, name="Other")),
    "a rule more": lambda made: put_in_force(Rule("Never", When(owner=("nobody",))), REST),
    "rules altered in the database": lambda made: _raw("UPDATE approvals_policyversion SET rules = '[]'"),
    "a demand lowered in the database": lambda made: _raw(
        "UPDATE approvals_policyversion SET rules = jsonb_set(rules, '{0,needs,doors}', '[\"web\"]')"
    ),
    "the version in force deleted": lambda made: _raw("DELETE FROM approvals_policyversion"),
    "the hash that is shown": lambda made: _tampered(made, hash="0" * 64),
    "a quorum raised": lambda made: _tampered(made, quorum=2),
    "the risk": lambda made: Proposal.objects.filter(pk=made.pk).update(risk="high"),
    "a fact that another rule fits": lambda made: Asset.objects.update(meta={"tier": "1"}),
}
FIELD = {"a quorum raised": {"person"}, "a fact that another rule fits": {"policy", "people"}}


def _void(world: Light, by: User, rules: tuple[Rule, ...], change: Callable[[Proposal], object]) -> str:
    put_in_force(*rules)
    made = proposal(world, (CHANGED_CODE,))
    approve(made, by)
    change(made)
    commits = world.commits()
    execute(Proposal.objects.get(pk=made.pk))
    assert world.commits() == commits and not AuditRecord.objects.filter(event="execution.intent").exists()
    assert Execution.objects.get(proposal=made).outcome == "void"
    return str(AuditRecord.objects.filter(event="execution.void").latest("pk").detail["field"])


def _replaced(rules: tuple[Rule, ...], made: Proposal) -> None:
    put_in_force(*rules)


@pytest.mark.parametrize("name", CHANGES)
def test_another_policy_after_the_signature_voids_it(world: Light, approver: User, name: str) -> None:
    rules = (Rule("Tier 1 needs three", When(tier=("1",)), Needs(3)), REST)
    assert _void(world, approver, rules, CHANGES[name]) in FIELD.get(name, {"policy"})


@pytest.mark.chaos
def test_three_hundred_other_policies_void_three_hundred_approvals(world: Light, approver: User) -> None:
    dice, refused = random.Random(3), 0  # noqa: S311 - chance for a test
    while refused < 300:
        rules = _random(dice)
        before = policy.in_force().hash
        assert _void(world, approver, (REST,), partial(_replaced, rules)) == "policy"
        refused += before != policy.in_force().hash
        Incident.objects.update(status="resolved")
    log.warning("policies: %d of %d approvals void, seed 3", refused, 300)


# --- bar 13: two means two people, and nobody signs their own -------------------------------------------------


def _tries(made: Proposal, own: list[User]) -> int:
    """Every way in which somebody might sign their own, or twice, or for another. How many were refused."""
    now, refused = clock.now().isoformat(), 0
    full = {"id": "s", "mfa": True, "step_up_at": now}
    people = [*own, *User.objects.filter(username__in=["admin", "service", "operator"])]
    for person in people:
        aliases = [Actor.of(person, full), replace(Actor.of(person, full), name="Somebody else")]
        others = [Actor("0", person.label, "human", ("approver",), full), WORKER]
        others += [replace(aliases[0], type=kind) for kind in ("service", "agent")]
        tokens = [Actor.of(person, {"scopes": ["decide"], "token": "x"})]
        for actor in (*aliases, *others, *tokens):
            for door in (*DOORS, "worker", "agent"):
                try:
                    decide(made, "approve", fingerprint=made.fingerprint, by=person, actor=actor, source=Source(door))
                except CountersignError:
                    refused += 1
    return refused


def _two(world: Light, rules: tuple[Rule, ...], risk: str, dice: random.Random) -> tuple[int, int]:
    """How many tries to get round were refused, and how many people it took in the end."""
    put_in_force(*rules)
    editor = User.objects.get(username="editor")
    made = proposal(world, (CHANGED_CODE,), editors=(editor.pk,), risk=risk)
    User.objects.filter(pk=editor.pk).update(is_superuser=True, first_name="Other", email="alias@example.com")
    refused = _tries(made, [editor])
    assert not Decision.objects.filter(proposal=made).exists()
    need = policy.requirement(made)
    signers = list(User.objects.filter(username__in=["ann", "bob", "cho"]).order_by("username"))
    dice.shuffle(signers)
    for person in signers:
        if made.status != "awaiting_decision" or (need["groups"] and not {*need["groups"]} & {*person.member_of}):
            continue
        actor = Actor.of(person, {"id": "s", "mfa": True, "step_up_at": clock.now().isoformat()})
        for _ in range(2):  # the same person twice, by another door where one is open
            door = dice.choice(need["doors"])
            try:
                decide(made, "approve", fingerprint=made.fingerprint, by=person, actor=actor, source=Source(door))
            except CountersignError:
                refused += 1
        made.refresh_from_db()
    signed = {row.by_id for row in Decision.objects.filter(proposal=made, decision="approve", withdrawn_at=None)}
    assert made.status == "approved" and editor.pk not in signed
    assert len(signed) >= max(need["quorum"], 2 if risk == "high" else 1)
    return refused, len(signed)


def _cast() -> None:
    for name, group in (("ann", "a"), ("bob", "b"), ("cho", "c")):
        factories.user(name, "approver", member_of=[group])
    factories.user("editor", "approver", "administrator", member_of=["a", "b", "c"])
    for name, *roles in (("admin", "administrator"), ("service", "auditor"), ("operator", "operator")):
        factories.user(name, *roles, member_of=["a"])


def _run(world: Light, many: int, seed: int) -> None:
    _cast()
    dice, refused, people = random.Random(seed), 0, 0  # noqa: S311 - chance for a test
    for _ in range(many):
        got, signed = _two(world, _random(dice), dice.choice(RISKS), dice)
        refused, people = refused + got, people + signed
    assert refused >= many * 4 * 7 * 5
    assert not PolicyVersion.objects.filter(status="proposed").exists()
    log.warning("two people: %d policies, %d tries refused, %d signatures, seed %d", many, refused, people, seed)


def test_nobody_signs_their_own_and_two_are_two_people(world: Light) -> None:
    _run(world, 3, 13)


@pytest.mark.chaos
def test_nobody_signs_their_own_under_forty_policies(world: Light) -> None:
    _run(world, 40, 1313)
