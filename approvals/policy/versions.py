"""The version of the policy that holds: the newest that was signed, or what Countersign comes with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from app.core.errors import Blocked
from approvals.models import PolicyVersion
from approvals.policy.file import read
from approvals.policy.rules import Rule, digest

DEFAULT = Path(__file__).with_name("default.yaml")


class Altered(Blocked):
    """The stored policy is not the one that was signed, so nothing can be signed. Sign a version anew in Settings."""


@dataclass(frozen=True)
class Policy:
    """Rules in their order, and the number under which they were proposed; 0 is what Countersign comes with."""

    number: int
    rules: tuple[Rule, ...]
    hash: str


@lru_cache(maxsize=1)
def default() -> Policy:
    rules = read(DEFAULT.read_text())
    return Policy(0, rules, digest(rules))


def in_force() -> Policy:
    """One query. Raises Altered for rules that somebody changed in the database."""
    row = PolicyVersion.objects.filter(status="in_force").first()
    if row is None:
        return default()
    policy = of(row)
    if policy.hash != row.sha256 or row.decided_by_id is None:
        raise Altered()
    return policy


def of(row: PolicyVersion) -> Policy:
    """The rules of any version, with the digest that they really have. Raises Altered when they cannot be read."""
    try:
        rules = tuple(Rule.from_json(one) for one in row.rules)
        return Policy(row.number, rules, digest(rules))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Altered() from error


def current() -> tuple[int, str]:
    """Number and digest of the version in force as its row says, whether or not somebody altered it."""
    row = PolicyVersion.objects.filter(status="in_force").values_list("number", "sha256").first()
    return row or (0, default().hash)
