"""Which rule fits, and what it demands of one proposal. Pure, and fast enough for ten thousand of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from approvals.policy.facts import Facts
from approvals.policy.rules import Needs, Rule, When, floored
from knowledge.rule import glob


def first(rules: Sequence[Rule], facts: Facts) -> tuple[int, Rule]:
    """The place (from 0) and the rule that decides; the last one fits whatever is asked."""
    for at, rule in enumerate(rules[:-1]):
        if fits(rule.when, facts):
            return at, rule
    return len(rules) - 1, rules[-1]


def demanded(rules: Sequence[Rule], facts: Facts) -> tuple[int, Rule, Needs]:
    """The same, and its demand, never below the floor of the proposal's risk."""
    at, rule = first(rules, facts)
    return at, rule, floored(rule.needs, facts.risk)


def fits(when: When, facts: Facts) -> bool:
    return (
        (not when.risk or facts.risk in when.risk)
        and (not when.action or facts.action in when.action)
        and (not when.failure_class or facts.failure_class in when.failure_class)
        and (not when.connection or _any(when.connection, facts.connections))
        and (not when.tier or any(asset.tier in _lower(when.tier) for asset in facts.assets))
        and (not when.owner or any(_any(when.owner, asset.owners) for asset in facts.assets))
        and (not when.asset or any(_any(when.asset, (asset.name, asset.uri)) for asset in facts.assets))
        and (not when.only or _nothing_but(when.only, facts))
    )


def _nothing_but(patterns: tuple[str, ...], facts: Facts) -> bool:
    """A plan of which nothing is known to be touched does not fit: it could be anything."""
    return bool(facts.assets) and all(_any(patterns, (asset.name, asset.uri)) for asset in facts.assets)


def _any(patterns: Iterable[str], texts: Sequence[str]) -> bool:
    return any(glob(pattern).search(text) for pattern in patterns for text in texts)


def _lower(values: Iterable[str]) -> set[str]:
    return {value.lower() for value in values}
