"""A changed policy tried on what was asked before: counted by hand, bounded, and constant in queries."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from app.core.models import User
from approvals.models import Proposal
from approvals.policy import simulate as module
from approvals.policy.facts import facts_of
from approvals.policy.rules import Needs, Rule, When
from approvals.policy.simulate import simulate
from approvals.policy.versions import default
from incidents.models import Incident
from tests import factories

log = logging.getLogger(__name__)

RAW, MART = "test://warehouse/raw.orders", "test://warehouse/mart.revenue"


def made(action: str, risk: str, target: str, *, days: int = 1, through: str = "lake", **plan: Any) -> Proposal:
    incident = factories.incident(failure_class="data")
    steps = [
        {"kind": "fork", "where": "staging", "connection": "other", "params": {"assets": ["test://x/never"]}},
        {"kind": "publish", "where": "production", "connection": through, "params": {"assets": [target], "n": 1}},
        {"kind": "rerun", "where": "production", "connection": "jobs", "params": {"jobs": ["j://h/nightly"]}},
    ]
    whole = {"targets": [target], "root_asset": RAW, "steps": steps, **plan}
    return Proposal.objects.create(
        incident=incident, number=1, action=action, title=f"{action} {target}", plan=whole, risk=risk,
        rehearsal="branch", status="done", requested_at=timezone.now() - timedelta(days=days),
    )  # fmt: skip


@pytest.fixture
def past(db: None) -> list[Proposal]:
    factories.asset("mart.revenue", meta={"said": {"tier": "Tier.Tier1"}}, owner={"name": "Carla"})
    return [
        made("quarantine", "low", RAW),
        made("quarantine", "low", MART),
        made("patch_code", "high", MART),
        made("ask_owner", "low", RAW),
        made("retry", "medium", RAW, through="airflow"),
        made("quarantine", "low", MART, days=91),
    ]


def counts(*rules: Rule) -> dict[str, int]:
    found = simulate(default().rules, rules)
    return {kind: getattr(found, kind) for kind in ("more", "fewer", "other", "same")}


REST = Rule("The rest")
HIGH = Rule("High", When(risk=("high",)), Needs(2))


@pytest.mark.parametrize(
    ("rules", "more", "fewer", "other"),
    [
        (default().rules, 0, 0, 0),
        ((REST,), 0, 0, 0),  # high risk keeps its two: the floor
        ((replace(REST, needs=Needs(2)),), 4, 0, 0),
        ((Rule("Tier 1", When(tier=("1",)), Needs(3)), REST), 2, 0, 0),
        ((Rule("Hers", When(owner=("carla",)), Needs(2)), REST), 1, 0, 0),
        ((Rule("Only raw", When(only=("raw.*", "nightly")), Needs(2)), REST), 3, 0, 0),
        ((Rule("Airflow", When(connection=("airflow",)), Needs(2)), REST), 1, 0, 0),
        ((Rule("Class", When(failure_class=("data",)), Needs(groups=("a",))), REST), 0, 0, 5),
        ((HIGH, replace(REST, needs=Needs(doors=("web",)))), 0, 0, 4),
    ],
)
def test_it_counts_as_a_person_would(
    past: list[Proposal], rules: tuple[Rule, ...], more: int, fewer: int, other: int
) -> None:
    assert counts(*rules) == {"more": more, "fewer": fewer, "other": other, "same": 5 - more - fewer - other}


def test_what_would_need_fewer_stands_first_with_both_rules(past: list[Proposal]) -> None:
    strict = (Rule("Three", When(action=("retry",)), Needs(3)), REST)
    found = simulate(strict, (Rule("Two", When(action=("ask_owner",)), Needs(2)), REST))
    assert [(one.kind, one.action, one.rule_before, one.rule_after) for one in found.changes] == [
        ("fewer", "retry", "Three", "The rest"),
        ("more", "ask_owner", "The rest", "Two"),
    ]
    first = found.changes[0]
    assert (first.before, first.after) == ("Three approvers sign", "One approver signs")
    assert Incident.objects.get(number=first.incident).proposals.get().number == first.number


def test_the_facts_are_those_that_a_decision_would_see(past: list[Proposal]) -> None:
    rows = module._asked(10)
    seen = {row["incident_no"]: fact for row, fact in zip(rows, module._facts(rows), strict=True)}
    assert len(seen) == 5
    for one in past[:5]:
        assert seen[one.incident.number] == facts_of(one)


def test_a_rule_that_nobody_can_satisfy_is_named(db: None, approver: User) -> None:
    factories.user("carla", "approver", member_of=["finance"])
    rules = (
        Rule("a", When(risk=("low",)), Needs(3)),
        Rule("b", When(risk=("low",)), Needs(1, groups=("finance",))),
        Rule("c", When(risk=("low",)), Needs(2, groups=("finance",))),
        Rule("d", When(risk=("low",)), Needs(1, one_from=("legal",))),
        Rule("e", needs=Needs(2)),
    )
    assert [words[:3] for words in simulate(rules, rules).unmet] == ["“a”", "“c”", "“d”"]


def test_ten_thousand_are_tried_in_four_queries(past: list[Proposal]) -> None:
    one = past[1]
    incidents = Incident.objects.bulk_create(
        Incident(title="t", status="resolved", root_asset=one.incident.root_asset, connection=one.incident.connection)
        for _ in range(10_000)
    )
    Proposal.objects.bulk_create(
        Proposal(
            incident=incident, number=1, action="quarantine", title="t", risk="low", rehearsal="branch", status="done",
            plan={**one.plan, "targets": [f"test://warehouse/mart.t{at % 500}"]}, requested_at=timezone.now(),
        )
        for at, incident in enumerate(incidents)
    )  # fmt: skip
    rules = (Rule("Some", When(asset=("mart.t1*",)), Needs(2)), REST)
    began = time.perf_counter()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        found = simulate(default().rules, rules)
    took = time.perf_counter() - began
    assert len(asked) == 4
    assert (found.proposals, found.more, len(found.changes), found.is_cut) == (10_005, 20 * 111, 100, False)
    log.warning("10,005 proposals tried in %.2f s", took)


def test_beyond_the_most_it_says_so(past: list[Proposal], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    found = simulate(default().rules, (REST,))
    assert (found.proposals, found.is_cut) == (3, True)
