"""Put a changed policy forward. It holds nothing before another person has signed it."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.db.models.functions import Now

from app.core import audit
from app.core.audit import Actor, Source
from app.core.errors import Invalid, NotAllowed, Stale
from app.core.models import User
from app.core.roles import require
from approvals.models import PolicyVersion
from approvals.policy.rules import Rule, check, digest
from approvals.policy.versions import current

DAYS = 7  # that a version waits for its second signature; then nobody has agreed, which is a no
NOTE_LIMIT = 300  # characters


def propose(
    rules: tuple[Rule, ...], *, based_on: int, note: str, by: User, actor: Actor, source: Source
) -> PolicyVersion:
    """A version that waits for its signature; `based_on` is the number in force that its author changed.

    Raises NotAllowed, Invalid, or Stale: another version came into force meanwhile, or waits already.
    """
    require(by, "policy.propose")
    if actor.type != "human":
        raise NotAllowed("Only a person changes the policy.")
    check(rules)
    words = note.strip()
    if not words or len(words) > NOTE_LIMIT:
        raise Invalid(f"Say why, in 1 to {NOTE_LIMIT} characters: whoever signs it reads that first.")
    try:
        with transaction.atomic():
            return _proposed(rules, based_on, words, by, actor, source)
    except IntegrityError as error:
        raise Stale("Another version waits for its second signature. Sign or refuse that one first.") from error


def _proposed(
    rules: tuple[Rule, ...], based_on: int, note: str, by: User, actor: Actor, source: Source
) -> PolicyVersion:
    old = PolicyVersion.objects.filter(status="proposed", proposed_at__lt=Now() - timedelta(days=DAYS))
    old.update(status="lapsed", decided_at=Now())
    number, sha256 = current()
    if based_on != number:
        raise Stale(f"Version {number} came into force meanwhile. Look at it, and change that one.")
    if digest(rules) == sha256:
        raise Invalid("Nothing is different from the version in force.")
    last = PolicyVersion.objects.aggregate(last=Max("number"))["last"] or 0
    made = PolicyVersion.objects.create(
        number=last + 1,
        rules=[rule.as_json() for rule in rules],
        sha256=digest(rules),
        based_on=based_on,
        note=note,
        author=by,
    )
    detail = {"version": made.number, "sha256": made.sha256, "based_on": based_on}
    audit.record("policy.proposed", made, actor=actor, source=source, reason=note, detail=detail)
    made.refresh_from_db()
    return made
