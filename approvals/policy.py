"""Who must sign: the first rule of the table that fits. Pure; a change to the table voids every open approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.canonical import sha256
from app.core.roles import APPROVER
from integrations.values import Json

if TYPE_CHECKING:
    from approvals.models import Proposal

# (rule as people read it, action or "" for any, risk or "" for any, how many sign, roles that may)
RULES: tuple[tuple[str, str, str, int, tuple[str, ...]], ...] = (
    ("High risk needs two approvers", "", "high", 2, (APPROVER,)),
    ("A message to a person needs one approver", "ask_owner", "", 1, (APPROVER,)),
    ("A change needs one approver, who is not its editor", "", "", 1, (APPROVER,)),
)
VERSION = 1


def requirement(proposal: Proposal) -> Json:
    """`{"quorum", "roles", "rule", "hash"}`: how many distinct people, of which roles, and by which rule."""
    rule, quorum, roles = _first(proposal.action, proposal.risk)
    return {"quorum": quorum, "roles": list(roles), "rule": rule, "hash": policy_hash()}


def policy_hash() -> str:
    return sha256([VERSION, [[*rule[:4], [*rule[4]]] for rule in RULES]])


def _first(action: str, risk: str) -> tuple[str, int, tuple[str, ...]]:
    for rule, for_action, for_risk, quorum, roles in RULES:
        if for_action in ("", action) and for_risk in ("", risk):
            return rule, quorum, roles
    raise LookupError("The last rule fits every proposal.")
