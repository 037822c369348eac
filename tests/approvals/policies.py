"""Versions of the policy for tests."""

from __future__ import annotations

from app.core.models import User
from approvals.models import PolicyVersion
from approvals.policy.rules import Rule, check, digest
from tests import factories


def put_in_force(*rules: Rule) -> PolicyVersion:
    """A version that two people signed, in the place of the one before."""
    check(rules)
    people = [User.objects.filter(username=name).first() or factories.user(name) for name in ("author", "signer")]
    PolicyVersion.objects.filter(status="in_force").update(status="replaced")
    last = PolicyVersion.objects.order_by("-number").first()
    return PolicyVersion.objects.create(
        number=last.number + 1 if last else 1,
        rules=[rule.as_json() for rule in rules],
        sha256=digest(rules),
        based_on=last.number if last else 0,
        status="in_force",
        note="For a test.",
        author=people[0],
        decided_by=people[1],
    )
