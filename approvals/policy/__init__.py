"""Who must sign: the first rule that fits, of the version in force. Another version voids every open approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from approvals.policy import words
from approvals.policy.facts import Facts, facts_of
from approvals.policy.fit import demanded
from approvals.policy.versions import Altered, Policy, in_force
from integrations.values import Json

if TYPE_CHECKING:
    from approvals.models import Proposal

__all__ = ["Altered", "Policy", "in_force", "required", "requirement"]


def requirement(proposal: Proposal) -> Json:
    """What the policy in force asks for, and the floor of its risk: two queries.

    `{"quorum": n, "roles": [...], "groups": [any of], "one_from": [each of], "doors": [...], "second_factor": bool,
    "step_up": bool, "until_h": n or None, "rule": its name, "at": its place from 1, "says": the demand in words,
    "version": n, "hash": of all rules}`. Raises Altered when the stored rules are not those that were signed.
    """
    return required(in_force(), facts_of(proposal))


def required(policy: Policy, facts: Facts) -> Json:
    """The same for facts that are known. Pure."""
    at, rule, needs = demanded(policy.rules, facts)
    return {
        "quorum": needs.signatures,
        "roles": list(needs.roles),
        "groups": list(needs.groups),
        "one_from": list(needs.one_from),
        "doors": list(needs.doors),
        "second_factor": needs.second_factor,
        "step_up": needs.second_factor or facts.risk == "high",
        "until_h": needs.within_h,
        "rule": rule.name,
        "at": at + 1,
        "says": f"{words.demand(needs)}.",
        "version": policy.number,
        "hash": policy.hash,
    }
