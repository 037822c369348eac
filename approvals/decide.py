"""One person's decision on one proposal: approve, reject, ask for changes, or withdraw a signature."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from app.core import audit
from app.core.audit import Actor, Source
from app.core.canonical import sha256
from app.core.errors import Blocked, CountersignError, Expired, Invalid, LostRace, NotAllowed, Stale
from app.core.lifecycle import advance
from app.core.models import User
from approvals import kill_switch, policy
from approvals.authority import changed_fields, is_signed, require_other_person, require_signer, signatures
from approvals.base import moved
from approvals.demands import require_demanded
from approvals.lesson import lesson_of
from approvals.models import Decision, Execution, Proposal
from approvals.plan import Plan
from approvals.together import along, close, lapse
from integrations.errors import IntegrationError
from knowledge.capture import draft_from
from knowledge.cite import settle

DECISIONS = ["approve", "reject", "request_changes", "withdraw"]
REASONS = {
    "wrong_cause": "Wrong cause",
    "wrong_fix": "Right cause, wrong fix",
    "expected": "This is expected",
    "risk": "Too risky now",
    "someone_else": "Someone else must decide",
    "other": "Other",
}
START_MIN = 15  # minutes from the last signature until it must have started
COMMENT_LIMIT = 10_000  # characters


class BaseGone(Stale):
    """Production is not what this was verified against. Stage it again."""


def decide(
    proposal: Proposal,
    decision: str,
    *,
    fingerprint: str,
    by: User,
    actor: Actor,
    source: Source,
    reason: str = "",
    comment: str = "",
    another_way: bool = False,
) -> Decision:
    """Record the decision and, with the last signature, the Execution: one transaction.

    `another_way` sends the incident of a rejected proposal back for another plan instead of to people.
    `actor.session["scopes"]`, where there, are those of the token. Raises NotAllowed, Stale, Expired, Invalid, Blocked;
    every refusal is in the trail as decision.denied.
    """
    try:
        made = _decided(proposal, decision, fingerprint, by, actor, source, reason, comment.strip(), another_way)
    except CountersignError as error:
        _deny(proposal, decision, error, fingerprint, actor, source)
        raise
    proposal.refresh_from_db()
    return made


def _decided(
    proposal: Proposal,
    decision: str,
    fingerprint: str,
    by: User,
    actor: Actor,
    source: Source,
    reason: str,
    comment: str,
    another_way: bool,
) -> Decision:
    by.refresh_from_db()  # roles as they are now, not as the session loaded them
    proposal = Proposal.objects.select_related("incident").get(pk=proposal.pk)
    require_signer(proposal, by, actor)
    _require_words(decision, reason, comment)
    _require_open(proposal, fingerprint)
    if decision == "approve":
        require_other_person(proposal, by)
        if "scopes" in actor.session and proposal.risk == "high":
            raise NotAllowed("High risk is never signed by token. Sign in and decide on the page.")
        require_demanded(policy.requirement(proposal), by, actor, source.door)
        _require_unmoved(proposal)  # asks the targets, so before the transaction; publish compares and swaps again
    with transaction.atomic():
        locked = Proposal.objects.select_for_update(of=("self",)).select_related("incident").get(pk=proposal.pk)
        _require_open(locked, fingerprint)
        return _VERBS[decision](locked, _row(locked, decision, by, source, actor, reason, comment), actor, another_way)


# --- refusals ------------------------------------------------------------------------------------------------


def _require_words(decision: str, reason: str, comment: str) -> None:
    if decision not in DECISIONS:
        raise Invalid(f"A decision is one of: {', '.join(DECISIONS)}.")
    if decision == "reject" and reason not in REASONS:
        raise Invalid(f"A rejection needs a reason, one of: {', '.join(REASONS)}.")
    if decision == "reject" and reason == "other" and not comment:
        raise Invalid("Say in words why, because the reason is “other”.")
    if decision == "request_changes" and not comment:
        raise Invalid("Say in words what should change.")
    if len(comment) > COMMENT_LIMIT:
        raise Invalid(f"At most {COMMENT_LIMIT} characters, please.")


def _require_open(proposal: Proposal, fingerprint: str) -> None:
    if fingerprint != proposal.fingerprint or not fingerprint:
        raise Stale()
    if proposal.status == "expired" or _is_past(proposal, "expires_at"):
        raise Expired("The time to decide has passed. Stage it again.")
    if proposal.status != "awaiting_decision":
        raise Stale(f"This proposal is {proposal.status.replace('_', ' ')} already, so there is nothing to decide.")


def _require_unmoved(proposal: Proposal) -> None:
    if proposal.incident.status != "awaiting_decision":
        raise Stale(f"The incident is {proposal.incident.status.replace('_', ' ')} by now.")
    if not proposal.report.green:
        raise Blocked("A check of the report is red, and nobody can sign past it.")
    if scope := kill_switch.stopped(Plan.from_json(proposal.plan)):
        raise Blocked(f"The kill switch is on for {scope}.")
    if fields := changed_fields(proposal):
        raise Stale(f"Not what was verified any more: {', '.join(fields)}. Stage it again.")
    try:
        gone = moved(proposal)
    except (IntegrationError, ObjectDoesNotExist) as error:
        raise Stale(f"What production is now could not be read, so nothing was signed: {error} Try again.") from error
    if gone:
        raise BaseGone(f"Production moved after this was verified: {', '.join(gone)}. Stage it again.")


def _deny(
    proposal: Proposal, decision: str, error: CountersignError, fingerprint: str, actor: Actor, source: Source
) -> None:
    """In a transaction of its own, because that of the decision is gone."""
    with transaction.atomic():
        audit.record(
            "decision.denied",
            proposal,
            actor=actor,
            source=source,
            reason=str(error),
            outcome="denied",
            error_code=error.code,
            fingerprint=fingerprint[:64],
            detail={"decision": decision[:16], "status": error.status},
        )
    if not isinstance(error, BaseGone):
        return
    with suppress(LostRace), transaction.atomic():  # somebody else moved it on: the refusal stays on record
        found = Proposal.objects.select_for_update(of=("self",)).select_related("incident").get(pk=proposal.pk)
        if found.status == "awaiting_decision":
            lapse(found, "superseded", actor=audit.SYSTEM, source=source, reason=str(error))


# --- the four verbs, in the caller's transaction --------------------------------------------------------------


def _row(
    proposal: Proposal, decision: str, by: User, source: Source, actor: Actor, reason: str, comment: str
) -> Decision:
    """Append the decision and its record."""
    where = {**source.as_json(), "session": actor.session}
    try:
        with transaction.atomic():
            made = Decision.objects.create(
                proposal=proposal,
                decision=decision,
                by=by,
                door=source.door,
                fingerprint=proposal.fingerprint,
                reason=reason,
                comment=comment,
                source=where,
            )
    except IntegrityError as error:
        raise Stale("You have signed this already; another person must sign too.") from error
    audit.record(
        f"decision.{decision}",
        proposal,
        actor=actor,
        source=source,
        reason=comment or REASONS.get(reason, ""),
        detail={"decision": made.pk, "reason": reason, "plan": sha256(proposal.plan)},
    )
    return made


def _approve(proposal: Proposal, made: Decision, actor: Actor, another_way: bool) -> Decision:
    if made.by_id not in {row.by_id for row in signatures(proposal)}:
        raise NotAllowed("A signature of yours does not count here, by the policy or by what changed meanwhile.")
    if is_signed(proposal):
        _start(proposal, actor, made.door)
    return made


def _start(proposal: Proposal, actor: Actor, door: str) -> None:
    """The last signature: the Execution is what workers look for, the bell only wakes them."""
    window = Plan.from_json(proposal.plan).window
    deadline = datetime.fromisoformat(window.not_after) if window else Now() + timedelta(minutes=START_MIN)
    opening = datetime.fromisoformat(window.not_before) if window else None
    Proposal.objects.filter(pk=proposal.pk).update(start_by=deadline, not_before=opening)
    if _is_past(proposal, "start_by"):
        raise Expired("The window that the plan names has passed. Stage it again.")
    Execution.objects.create(proposal=proposal, fingerprint=proposal.fingerprint)
    advance(proposal, "approved", actor=actor, source=door)
    waits = Proposal.objects.filter(pk=proposal.pk, not_before__gt=Now()).exists()
    if not along(proposal, "watching" if waits else "fixing", actor=actor, source=door):
        raise Stale(f"The incident is {proposal.incident.status.replace('_', ' ')} by now.")


def _reject(proposal: Proposal, made: Decision, actor: Actor, another_way: bool) -> Decision:
    why = made.comment or REASONS[made.reason]
    close(proposal, "rejected", actor=actor, source=made.door, reason=why)
    settle(proposal.incident.number, "misled")
    if made.comment:
        draft_from(lesson_of(proposal, made), by=made.by, actor=actor, source=made.door)
    along(proposal, "proposing" if another_way else "escalated", actor=actor, source=made.door, reason=why)
    return made


def _request_changes(proposal: Proposal, made: Decision, actor: Actor, another_way: bool) -> Decision:
    """To people, because the rules would only propose the same again; the words go with it."""
    close(proposal, "changes_requested", actor=actor, source=made.door, reason=made.comment)
    along(proposal, "escalated", actor=actor, source=made.door, reason=f"Changes requested: {made.comment}")
    return made


def _withdraw(proposal: Proposal, made: Decision, actor: Actor, another_way: bool) -> Decision:
    mine = proposal.decisions.filter(decision="approve", by=made.by, withdrawn_at=None)
    if not mine.update(withdrawn_at=Now()):
        raise Invalid("There is no signature of yours to withdraw.")
    return made


_VERBS: dict[str, Callable[[Proposal, Decision, Actor, bool], Decision]] = {
    "approve": _approve,
    "reject": _reject,
    "request_changes": _request_changes,
    "withdraw": _withdraw,
}


def _is_past(proposal: Proposal, field: str) -> bool:
    """By the database's clock, because hosts disagree."""
    return Proposal.objects.filter(pk=proposal.pk, **{f"{field}__lte": Now()}).exists()
