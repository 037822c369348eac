"""Who must sign: the first rule that fits, never below the floor."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from app.core.errors import Invalid
from app.core.models import User
from approvals import policy
from approvals.catalogue import CATALOGUE, RISKS
from approvals.models import PolicyVersion, Proposal
from approvals.policy.facts import Facts, Touched
from approvals.policy.fit import demanded, fits
from approvals.policy.rules import CLASSES, DOORS, Needs, Rule, When, check, digest, problems
from approvals.policy.versions import default
from approvals.policy.words import sentence
from tests import factories

LAST = Rule("Everything else needs one approver")
ORDERS = Touched("db://wh/raw.orders", "raw.orders", "1", ("Carla Reyes", "carla@example.com"))
ADS = Touched("db://wh/raw.ads", "raw.ads", "unknown", ("unknown",))
FACTS = Facts("quarantine", "medium", "data", ("lake",), (ADS, ORDERS))


@pytest.mark.parametrize(
    ("when", "fitting"),
    [
        (When(), True),
        (When(risk=("high",)), False),
        (When(risk=("high", "medium")), True),
        (When(action=("patch_code", "quarantine")), True),
        (When(action=("patch_code",)), False),
        (When(failure_class=("data",)), True),
        (When(failure_class=("unknown",)), False),
        (When(connection=("la*",)), True),
        (When(connection=("la",)), False),
        (When(asset=("raw.orders",)), True),
        (When(asset=("RAW.ord?rs",)), True),
        (When(asset=("db://wh/*",)), True),
        (When(asset=("raw.order",)), False),
        (When(only=("raw.orders",)), False),
        (When(only=("raw.orders", "*.ads")), True),
        (When(tier=("1",)), True),
        (When(tier=("2",)), False),
        (When(tier=("unknown",)), True),
        (When(owner=("*@example.com",)), True),
        (When(owner=("carla reyes",)), True),
        (When(owner=("bob",)), False),
        (When(risk=("medium",), owner=("bob",)), False),
        (When(asset=("raw.[ao]rders",)), False),
    ],
)
def test_a_condition_fits_or_does_not(when: When, fitting: bool) -> None:
    assert fits(when, FACTS) is fitting


def test_nothing_but_these_assets_needs_assets() -> None:
    assert not fits(When(only=("*",)), Facts("retry", "low"))
    assert fits(When(failure_class=("unknown",)), Facts("retry", "low"))


def test_the_first_rule_that_fits_decides() -> None:
    first, second = Rule("a", When(asset=("raw.*",)), Needs(3)), Rule("b", When(risk=("medium",)), Needs(2))
    assert demanded((first, second, LAST), FACTS)[:2] == (0, first)
    assert demanded((second, first, LAST), FACTS)[:2] == (0, second)
    assert demanded((second, first, LAST), Facts("retry", "low"))[:2] == (2, LAST)


@pytest.mark.parametrize(
    ("action", "risk", "quorum", "doors", "step_up"),
    [
        ("quarantine", "low", 1, DOORS, False),
        ("ask_owner", "low", 1, DOORS, False),
        ("retry", "high", 2, ("web",), True),
    ],
)
def test_what_comes_with_countersign(
    db: None, action: str, risk: str, quorum: int, doors: tuple[str, ...], step_up: bool
) -> None:
    need = policy.requirement(Proposal(action=action, risk=risk, plan={}))
    assert (need["quorum"], need["roles"], tuple(need["doors"])) == (quorum, ["approver"], doors)
    assert (need["step_up"], need["version"], need["hash"]) == (step_up, 0, default().hash)
    assert need["rule"] and need["says"]


def test_no_policy_loosens_the_floor() -> None:
    """Ten thousand random policies that can be proposed, and what each asks of a random proposal."""
    dice, tried = random.Random(20), 0  # noqa: S311 - chance for a test
    for _ in range(10_000):
        rules = tuple(replace(_rule(dice), name=str(at)) for at in range(dice.randrange(4)))
        rules = (*(rule for rule in rules if rule.when != When()), replace(_rule(dice), name="last", when=When()))
        if any(True for _ in problems(rules)):
            continue
        risk, tried = dice.choice(RISKS), tried + 1
        need = policy.required(policy.Policy(1, rules, digest(rules)), replace(FACTS, risk=risk))
        assert need["quorum"] >= (2 if risk == "high" else 1)
        assert need["roles"] and "web" in need["doors"]
        if risk == "high":
            assert need["doors"] == ["web"] and need["step_up"]
        if need["second_factor"]:
            assert need["doors"] == ["web"] and need["step_up"]
    assert tried > 300  # the others cannot be proposed


def _rule(dice: random.Random) -> Rule:
    def some(values: Any) -> tuple[str, ...]:
        return tuple(dice.sample(list(values), dice.randrange(len(list(values)) + 1)))

    when = When(some(CLASSES[:2]), some(list(CATALOGUE)[:2]), some(RISKS), asset=some(["raw.*", "x"]))
    doors = some(DOORS)
    needs = Needs(dice.randrange(-1, 7), some(["approver", "auditor"]), doors=doors, second_factor=dice.random() < 0.3)
    return Rule("r", when, replace(needs, within_h=dice.choice([None, 1, 24, 0, 99])))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ((), "at least one rule"),
        ((replace(LAST, when=When(risk=("low",))),), "Rule 1: The last rule must fit everything"),
        ((LAST, replace(LAST, name="b")), "Rule 1: It fits everything"),
        ((Rule("everything else needs one approver", When(risk=("low",))), LAST), "Rule 2: There is another"),
        ((replace(LAST, name=" "),), "Give it a name"),
        ((Rule("a", When(risk=("hi",))), LAST), "Unknown: hi. Possible: low, medium, high"),
        ((Rule("a", When(action=("drop",))), LAST), "Unknown: drop"),
        ((replace(LAST, needs=Needs(0)),), "Between 1 and 5"),
        ((replace(LAST, needs=Needs(roles=("root",))),), "Name at least one of"),
        ((replace(LAST, needs=Needs(doors=("slack",))),), "The web, and beside it"),
        ((replace(LAST, needs=Needs(within_h=25)),), "Between 1 and 24 hours"),
        ((replace(LAST, needs=Needs(1, one_from=("a", "b"))),), "2 groups must sign and only 1"),
        ((*(Rule(str(at), When(risk=("low",))) for at in range(60)), LAST), "at most 60 rules"),
    ],
)
def test_a_policy_that_cannot_hold_says_what_to_do(rules: tuple[Rule, ...], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        check(rules)


def test_a_rule_is_a_sentence() -> None:
    needs = Needs(2, groups=("finance", "data"), one_from=("finance",), doors=("web",), second_factor=True, within_h=4)
    rule = Rule("n", When(risk=("high",), asset=("raw.*",)), needs)
    assert sentence(rule) == (
        "When the risk is high and it touches `raw.*`: two approvers of the group `finance` or `data` sign, "
        "at least one of them from `finance`, on the web, with a second factor, within 4 h."
    )
    assert sentence(LAST) == "Whatever comes: one approver signs."


def test_the_hash_follows_every_part_and_the_order() -> None:
    rules = (Rule("a", When(risk=("high",)), Needs(2)), LAST)
    others = [
        (replace(rules[0], name="b"), LAST),
        (replace(rules[0], when=When(risk=("low",))), LAST),
        (replace(rules[0], needs=Needs(3)), LAST),
        (LAST, rules[0]),
    ]
    assert len({digest(rules), *map(digest, others)}) == 5
    assert digest(tuple(Rule.from_json(rule.as_json()) for rule in rules)) == digest(rules)


def test_rules_that_were_changed_in_the_database_hold_nothing(administrator: User, approver: User) -> None:
    rules = [LAST.as_json()]
    PolicyVersion.objects.create(
        number=1, rules=rules, sha256="0" * 64, based_on=0, status="in_force", author=administrator, decided_by=approver
    )
    with pytest.raises(policy.Altered):
        policy.requirement(Proposal(action="retry", risk="low", plan={}, incident=factories.incident()))
