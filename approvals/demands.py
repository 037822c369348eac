"""What the policy demands of each signature: role, group, door, strength. Asked at signing and before each effect.

`need` is what `policy.requirement` gives, or what a proposal shows of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from app.core import stepup
from app.core.audit import Actor
from app.core.errors import NotAllowed
from app.core.models import User
from approvals.models import Decision
from approvals.policy.words import DOOR_WORDS

Need = Mapping[str, Any]


def require_demanded(need: Need, by: User, actor: Actor, door: str) -> None:
    """Raises NotAllowed, with the reason in words, or StepUpNeeded, unless a signature of theirs would count now."""
    if words := unfit(need, by):
        raise NotAllowed(words)
    if door not in need["doors"]:
        where = " or ".join(DOOR_WORDS[one] for one in need["doors"])
        raise NotAllowed(f"“{need['rule']}” is signed {where} only. Sign in and decide on the page.")
    if need["step_up"] and "scopes" in actor.session:
        raise NotAllowed("A token cannot show who holds it. Sign in and decide on the page.")
    if need["step_up"]:
        stepup.require_fresh(actor)
    if need["second_factor"] and not actor.session.get(stepup.MFA):
        raise NotAllowed("The policy asks for a second factor. Set one up under Settings › Your sign-in, and use it.")


def unfit(need: Need, person: User) -> str:
    """Why this person's signature does not count, in words; empty when it does. Pure."""
    roles, groups = set(need.get("roles", [])), set(need.get("groups", []))
    if roles and roles.isdisjoint(person.roles):
        return f"The policy asks for one of the roles: {', '.join(sorted(roles))}."
    if groups and groups.isdisjoint(person.member_of):
        return f"The policy asks for somebody of the group {' or '.join(sorted(groups))}."
    return ""


def counts(need: Need, row: Decision) -> bool:
    """Whether a signature that was given is one that the policy asks for. Pure, given the row and its person."""
    if unfit(need, row.by) or row.door not in need.get("doors", [row.door]):
        return False
    session = row.source.get("session") or {}
    if need.get("second_factor") and not session.get(stepup.MFA):
        return False
    return not need.get("step_up") or _was_fresh(session, row.at)


def lacking(need: Need, given: Iterable[Decision]) -> list[str]:
    """Groups from which a signature is still missing. Pure."""
    there = {group for row in given for group in row.by.member_of}
    return [group for group in need.get("one_from", []) if group not in there]


def _was_fresh(session: Mapping[str, Any], at: datetime) -> bool:
    """As of the signature, not of the effect: a plan may name a window that opens hours later."""
    try:
        given = datetime.fromisoformat(session.get(stepup.AT, ""))
        return timedelta(0) <= at - given <= stepup.FRESH
    except (TypeError, ValueError):
        return False
