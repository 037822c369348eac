"""Put production back from the receipts: by one approver, or by the plan's own word when production turned red."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models.functions import Now

from app.core import audit
from app.core.audit import Actor, Source
from app.core.canonical import sha256
from app.core.errors import Blocked, CountersignError, Expired, LostRace, NotAllowed, Stale
from app.core.failpoints import failpoint
from app.core.lease import MAX_ATTEMPTS, holds, lease
from app.core.lifecycle import MOVES
from app.core.models import User
from app.core.roles import ADMINISTRATOR, may, require
from app.core.stepup import require_fresh
from app.core.tasks import ring_after_commit
from approvals import kill_switch
from approvals.authority import plan_of
from approvals.base import heads_that_differ
from approvals.carry import carry
from approvals.models import Execution, ExecutionStep, Proposal
from approvals.plan import Plan
from approvals.reversible import left_to_undo
from approvals.steps import STEPS
from approvals.steps.work import Done, Job
from approvals.together import along, close
from integrations.errors import BaseMoved, IntegrationError, Refused

HOURS = 24  # after the publish


def ask_undo(execution: Execution, *, by: User, actor: Actor, source: Source) -> Execution:
    """One click: a row that a worker carries out. Asked twice it is one.

    Raises NotAllowed, StepUpNeeded (high risk), Expired (after 24 h), Stale (not published, or later writes depend on
    it), Blocked (kill switch).
    """
    try:
        return _asked(execution, by, actor, source)
    except CountersignError as error:
        with transaction.atomic():
            _deny(execution, str(error), error.code, actor, source)
        raise


def undo(execution: Execution) -> None:
    """Take the steps back in reverse order, exactly once. Raises LostRace when another worker is at it."""
    if execution.finished_at is not None or _halted(execution):
        return
    with lease(execution) as epoch:
        failpoint("undo_claimed")
        if execution.finished_at is not None:
            return
        try:
            if execution.attempts > MAX_ATTEMPTS:
                raise IntegrationError(execution.error or "It was taken up again and again and never came to an end.")
            _take_back(execution, epoch)
            _finish(execution, epoch)
        except kill_switch.Halted as halted:
            audit.record("execution.stopped", execution, actor=audit.WORKER, source="worker", reason=str(halted))
        except IntegrationError as error:
            if not _ended(execution, epoch, error):
                raise  # out of the lease, which then keeps the count of attempts


def begin_undo(execution: Execution, *, by: User | None, actor: Actor, source: Source, reason: str) -> Execution:
    """Insert the row, in the caller's transaction; an undo that failed before is taken up again."""
    made, is_new = Execution.objects.get_or_create(
        fingerprint=execution.fingerprint,
        direction="undo",
        defaults={"proposal": execution.proposal, "asked_by": by},
    )
    if not is_new and made.outcome != "failed":
        return made
    if not is_new:
        made.steps.filter(status="failed").update(status="waiting")
        Execution.objects.filter(pk=made.pk).update(finished_at=None, outcome="", error="", attempts=0, asked_by=by)
        made.refresh_from_db()
    audit.record("undo.asked", made, actor=actor, source=source, reason=reason)
    ring_after_commit("approvals.tasks.undo", made.pk)
    return made


# --- asking --------------------------------------------------------------------------------------------------


def _asked(execution: Execution, by: User, actor: Actor, source: Source) -> Execution:
    by.refresh_from_db()
    require(by, "execution.undo")
    if actor.type != "human" or actor.id != str(by.pk):
        raise NotAllowed("Only a person asks for an undo.")
    if "scopes" in actor.session and "decide" not in actor.session["scopes"]:
        raise NotAllowed("This token lacks the scope decide. Make one that has it, or sign in.")
    forward = Execution.objects.select_related("proposal__incident").get(pk=execution.pk)
    if "scopes" in actor.session and forward.proposal.risk == "high":
        raise NotAllowed("High risk is never undone by token. Sign in and undo it on the page.")
    if forward.proposal.risk == "high":
        require_fresh(actor)
    _require_published(forward)
    if kill_switch.stopped(Plan.from_json(forward.proposal.plan)) and ADMINISTRATOR not in by.roles:
        raise Blocked("The kill switch is on; only an administrator can undo now.")
    with suppress(IntegrationError):  # what this process may not read, the worker reads
        _require_last_write(forward)
    with transaction.atomic():
        Proposal.objects.select_for_update(of=("self",)).get(pk=forward.proposal_id)
        return begin_undo(forward, by=by, actor=actor, source=source, reason="A person asked for it.")


def _require_published(forward: Execution) -> None:
    if forward.direction != "forward" or forward.proposal.status not in {"done", "failed"}:
        raise Stale("Only a fix that was published can be undone.")
    if not left_to_undo(forward.steps.all()):
        raise Stale("Nothing was published or left a copy, so there is nothing to undo from.")
    if Execution.objects.filter(pk=forward.pk, finished_at__lt=Now() - timedelta(hours=HOURS)).exists():
        raise Expired(f"A fix can be undone for {HOURS} h. Propose the inverse instead.")


def _require_last_write(forward: Execution) -> None:
    if gone := heads_that_differ(_left_behind(forward)):
        raise Stale(f"Someone wrote to {', '.join(gone)} after the fix, so undoing it would lose that work.")


def _left_behind(forward: Execution) -> dict[str, dict[str, str]]:
    """What production's heads must still be: per published asset, what our own last step made of it."""
    heads: dict[str, dict[str, str]] = {}
    for row in forward.steps.filter(receipt__isnull=False).order_by("number"):
        if row.kind == "publish":
            receipt = row.receipt or {}
            heads.setdefault(receipt["connection"], {}).update(receipt["after"])
        else:  # a later run of ours may have written to the same assets
            after = ((row.receipt or {}).get("receipt") or {}).get("after", {})
            for versions in heads.values():
                versions.update({key: after[key] for key in versions if key in after})
    return heads


# --- carrying out --------------------------------------------------------------------------------------------


def _take_back(execution: Execution, epoch: int) -> None:
    forward = Execution.objects.get(fingerprint=execution.fingerprint, direction="forward")
    is_untouched = not execution.steps.exclude(status="waiting").exists()
    _require_same(execution, is_untouched)
    if is_untouched and (gone := heads_that_differ(_left_behind(forward))):  # so that none is left half undone
        raise BaseMoved(f"Someone wrote to {', '.join(gone)} after the fix.")
    plan = Plan.from_json(execution.proposal.plan)
    steps = dict(enumerate(plan.on("production"), 1))
    for done in forward.steps.filter(receipt__isnull=False).order_by("-number"):
        row, _ = ExecutionStep.objects.get_or_create(
            execution=execution,
            number=len(steps) + 1 - done.number,
            defaults={"kind": done.kind, "title": f"Take back: {done.title}"[:300], "key": f"{done.key}-undo"},
        )
        job = Job(execution.proposal, plan, steps[done.number], row.key, partial(_recheck, execution, epoch))
        act = partial(STEPS[done.kind].undo, job, done.receipt or {})
        carry(row, lookup=_nothing, act=act)  # each undo looks up under its key by itself


def _require_same(execution: Execution, is_untouched: bool) -> None:
    """Raises Refused when the plan is not the signed one, or nothing was done yet and who asked may not any more."""
    if execution.proposal.bound.get("plan", {}).get("sha256") != sha256(execution.proposal.plan):
        raise Refused("The plan is not the one that was signed, so where its receipts belong is not known.")
    by = _asker(execution)
    if is_untouched and by is not None and not may(by, "execution.undo"):
        raise Refused(f"{by.label} asked for it and was disabled or lost the role since.")


def _nothing() -> Done | None:
    return None


def _recheck(execution: Execution, epoch: int) -> None:
    if not holds(execution, epoch):
        raise LostRace(f"{execution} was taken over by another worker.")
    if _halted(execution):
        raise kill_switch.Halted()


def _asker(execution: Execution) -> User | None:
    """With the roles of now, not those of when it was asked."""
    asked = Execution.objects.select_related("asked_by").get(pk=execution.pk)
    return asked.asked_by


def _halted(execution: Execution) -> bool:
    """The kill switch stops an undo for everybody but an administrator."""
    by = _asker(execution)
    if by is not None and by.is_active and ADMINISTRATOR in by.roles:
        return False
    plan = plan_of(execution.proposal)
    return (
        plan is not None and kill_switch.stopped(plan) is not None
    )  # an unreadable plan is refused later, with a reason


def _finish(execution: Execution, epoch: int) -> None:
    failpoint("undone")
    with transaction.atomic():
        _end(execution, epoch, outcome="done", error="")
        proposal = Proposal.objects.select_related("incident").get(pk=execution.proposal_id)
        who = execution.asked_by.label if execution.asked_by else "The plan"
        reason = f"{who} took the fix back."
        if "undone" in MOVES["proposal"][proposal.status]:
            close(proposal, "undone", actor=audit.WORKER, source="worker", reason=reason)
        along(proposal, "escalated", actor=audit.WORKER, source="worker", reason=reason)


def _end(execution: Execution, epoch: int, **fields: str) -> None:
    """Compare-and-swap: a worker that slept while another carried it out ends nothing."""
    mine = Execution.objects.filter(pk=execution.pk, epoch=epoch, finished_at=None)
    if mine.update(finished_at=Now(), **fields) != 1:
        raise LostRace(f"{execution} was taken over by another worker.")


def _ended(execution: Execution, epoch: int, error: IntegrationError) -> bool:
    """Stopped with a reason; what was taken back so far stays on record, and people are called."""
    if not error.permanent and execution.attempts < MAX_ATTEMPTS:
        Execution.objects.filter(pk=execution.pk).update(error=str(error))
        return False
    with transaction.atomic():
        _end(execution, epoch, outcome="failed", error=str(error))
        is_partial = execution.steps.filter(status="done").exists()
        execution.steps.filter(status="running").update(status="failed", finished_at=Now(), output=str(error))
        _deny(execution, str(error), error.__class__.__name__, audit.WORKER, Source("worker"))
        if is_partial:
            reason = f"The undo stopped half way: {error}"
            along(execution.proposal, "escalated", actor=audit.WORKER, source="worker", reason=reason)
    return True


def _deny(execution: Execution, reason: str, code: str, actor: Actor, source: Source) -> None:
    audit.record(
        "undo.denied", execution, actor=actor, source=source, reason=reason, outcome="denied", error_code=code[:40]
    )
