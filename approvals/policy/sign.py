"""The second signature of a policy: by another person than its author, who has just shown who they are."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from app.core import audit, stepup
from app.core.audit import Actor, Source
from app.core.errors import CountersignError, Expired, NotAllowed, Stale
from app.core.models import User
from app.core.roles import require
from approvals.models import PolicyVersion
from approvals.policy.propose import DAYS
from approvals.policy.versions import Altered, current, of


def sign(version: PolicyVersion, *, sha256: str, by: User, actor: Actor, source: Source) -> None:
    """Bring it into force; `sha256` is of the rules that the signer saw. Open approvals are void from then on.

    Raises NotAllowed, StepUpNeeded, Stale, Expired or Altered; every refusal is in the trail as policy.denied.
    """
    try:
        _require_second(version, by, actor)
        with transaction.atomic():
            _sign(_open(version, sha256), by, actor, source)
    except CountersignError as error:
        audit.record(
            "policy.denied", version, actor=actor, source=source, reason=str(error), outcome="denied",
            error_code=error.code, detail={"version": version.number},
        )  # fmt: skip
        raise


def refuse(version: PolicyVersion, *, reason: str, by: User, actor: Actor, source: Source) -> None:
    """It never comes into force; its author may take it back the same way. Raises NotAllowed or Stale."""
    require(by, "policy.sign")
    with transaction.atomic():
        found = PolicyVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
        if found.status != "proposed":
            raise Stale(f"Version {found.number} is {found.status.replace('_', ' ')} already.")
        _end(found, "refused", by, actor, source)
        detail = {"version": found.number, "sha256": found.sha256}
        audit.record("policy.refused", found, actor=actor, source=source, reason=reason.strip()[:300], detail=detail)


def _require_second(version: PolicyVersion, by: User, actor: Actor) -> None:
    by.refresh_from_db()
    require(by, "policy.sign")
    if actor.type != "human" or actor.id != str(by.pk) or "scopes" in actor.session:
        raise NotAllowed("Only a signed-in person signs a policy, and only for themselves.")
    if version.author_id == by.pk:
        raise NotAllowed("You proposed this version, so another person must sign it.")
    stepup.require_fresh(actor)


def _open(version: PolicyVersion, sha256: str) -> PolicyVersion:
    """The locked row, when it is still what was shown, and still a change of what is in force."""
    found = PolicyVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
    if found.status != "proposed":
        raise Stale(f"Version {found.number} is {found.status.replace('_', ' ')} already.")
    if PolicyVersion.objects.filter(pk=found.pk, proposed_at__lt=Now() - timedelta(days=DAYS)).exists():
        raise Expired(f"Nobody signed it within {DAYS} days. Propose it again.")
    if of(found).hash != found.sha256:
        raise Altered()
    if sha256 != found.sha256:
        raise Stale()
    if found.based_on != current()[0]:
        raise Stale("Another version came into force since it was proposed. Propose the change again.")
    return found


def _sign(found: PolicyVersion, by: User, actor: Actor, source: Source) -> None:
    number, before = current()
    PolicyVersion.objects.filter(status="in_force").update(status="replaced")
    _end(found, "in_force", by, actor, source)
    detail = {"version": found.number, "replaces": number}
    audit.record(
        "policy.signed", found, actor=actor, source=source, reason=found.note, before=before, after=found.sha256,
        detail=detail,
    )  # fmt: skip


def _end(found: PolicyVersion, status: str, by: User, actor: Actor, source: Source) -> None:
    where = {**source.as_json(), "session": actor.session}
    row = PolicyVersion.objects.filter(pk=found.pk)
    row.update(status=status, decided_by=by, decided_at=Now(), source=where)
