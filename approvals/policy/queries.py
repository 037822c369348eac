"""All reads of policies for pages and the API."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from approvals.models import PolicyVersion
from approvals.policy.rules import Rule
from approvals.policy.versions import Altered, Policy, default, in_force, of
from approvals.policy.words import sentence
from knowledge.diff import Part, differing

HISTORY = 50  # versions that a page lists


@dataclass(frozen=True)
class Shown:
    """One rule for people."""

    name: str
    says: str


def versions() -> QuerySet[PolicyVersion]:
    return PolicyVersion.objects.select_related("author", "decided_by").order_by("-number")


def waiting() -> PolicyVersion | None:
    return versions().filter(status="proposed").first()


def holding() -> tuple[Policy, bool]:
    """The policy in force; where somebody altered it in the database, what Countersign comes with, and True."""
    try:
        return in_force(), False
    except Altered:
        return default(), True


def policy_of(number: int) -> Policy | None:
    """Any version; 0 is what Countersign comes with."""
    if number == 0:
        return default()
    row = PolicyVersion.objects.filter(number=number).first()
    return of(row) if row else None


def in_words(rules: tuple[Rule, ...]) -> list[Shown]:
    return [Shown(rule.name, sentence(rule)) for rule in rules]


def difference(before: Policy | None, after: Policy) -> list[Part]:
    """What a version changed, as lines: a rule each, in its place."""
    return differing({"Rules": _text(before.rules if before else ())}, {"Rules": _text(after.rules)})


def _text(rules: tuple[Rule, ...]) -> str:
    return "\n".join(f"{rule.name}. {sentence(rule)}".replace("`", "") for rule in rules)
