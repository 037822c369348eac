"""A rule as people read it. What stands between backticks is shown as code. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.roles import APPROVER
from approvals.policy.rules import DOORS, Needs, Rule, When

DOOR_WORDS = {"web": "on the web", "slack": "in Slack", "api": "through the API"}
NUMBERS = {1: "One", 2: "Two", 3: "Three", 4: "Four", 5: "Five"}


def sentence(rule: Rule) -> str:
    """`When the risk is high: two approvers sign, on the web.`"""
    when = conditions(rule.when)
    return f"When {when}: {_low(demand(rule.needs))}." if when else f"Whatever comes: {_low(demand(rule.needs))}."


def conditions(when: When) -> str:
    """Empty where it fits everything."""
    parts = [
        ("the risk is {}", when.risk, ""),
        ("the action is {}", when.action, "`"),
        ("the cause is of class {}", when.failure_class, ""),
        ("it touches {}", when.asset, "`"),
        ("it touches nothing but {}", when.only, "`"),
        ("an asset that it touches has tier {}", when.tier, "`"),
        ("an asset that it touches belongs to {}", when.owner, "`"),
        ("it goes through the connection {}", when.connection, "`"),
    ]
    return " and ".join(words.format(_or(values, quote)) for words, values, quote in parts if values)


def demand(needs: Needs) -> str:
    """`Two approvers of the group finance sign, on the web, with a second factor, within 4 h`"""
    count = NUMBERS.get(needs.signatures, str(needs.signatures))
    noun = "approver" if needs.signatures == 1 else "approvers"
    who = f"{count} {noun}"
    if APPROVER not in needs.roles:
        who += f" with the role {_or(needs.roles)} too"
    if needs.groups:
        who += f" of the group {_or(needs.groups, '`')}"
    parts = [f"{who} {'signs' if needs.signatures == 1 else 'sign'}"]
    parts += [f"at least one of them from `{group}`" for group in needs.one_from]
    if set(needs.doors) != set(DOORS):
        parts.append(_or([DOOR_WORDS[door] for door in DOORS if door in needs.doors]))
    parts += ["with a second factor"] if needs.second_factor else []
    parts += [f"within {needs.within_h} h"] if needs.within_h else []
    return ", ".join(parts)


def _or(values: Iterable[str], quote: str = "") -> str:
    told = [f"{quote}{value.replace('`', '')}{quote}" for value in values]
    return " or ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def _low(text: str) -> str:
    return text[:1].lower() + text[1:]
