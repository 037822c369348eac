"""Carry out a signed proposal: exactly once, whatever dies on the way."""

from __future__ import annotations

import logging
from functools import partial

from django.db import transaction
from django.db.models.functions import Now

from app.core import audit
from app.core.errors import LostRace
from app.core.failpoints import failpoint
from app.core.lease import MAX_ATTEMPTS, lease
from app.core.lifecycle import advance
from approvals import freezes, kill_switch
from approvals.authority import Void, plan_of, recheck
from approvals.carry import carry
from approvals.models import Execution, ExecutionStep, Proposal
from approvals.plan import Plan, Step
from approvals.settle import settle
from approvals.steps import STEPS
from approvals.steps.work import Job
from approvals.stop import stop
from approvals.together import along
from integrations.errors import BaseMoved, IntegrationError

log = logging.getLogger(__name__)

QUIET = {"ask", "close"}  # steps that change nothing in production, so that there is nothing to validate


def execute(proposal: Proposal) -> None:
    """Do what was signed, step by step, from wherever an earlier worker left it.

    Raises LostRace when another worker is at it, IntegrationError when a target is away and attempts are left. Returns
    at once when there is nothing to do, while the window is not open, inside a freeze, or while the kill switch is on;
    the sweep asks again.
    """
    execution = proposal.executions.filter(direction="forward", finished_at=None).first()
    if execution is None or proposal.status not in {"approved", "executing"}:
        return
    plan = plan_of(proposal)
    if plan is not None and _waits(proposal, plan):
        return
    with lease(execution) as epoch:
        failpoint("claimed")
        proposal.refresh_from_db()
        if plan is None:
            stop(proposal, execution, "void", "The plan cannot be read any more.", field="plan", epoch=epoch)
        elif execution.finished_at is None:
            _hold(proposal, execution, plan, epoch)


def _waits(proposal: Proposal, plan: Plan) -> bool:
    """Before the lease, because a look through the door is not an attempt."""
    if Proposal.objects.filter(pk=proposal.pk, not_before__gt=Now()).exists():
        return True
    if proposal.status == "executing" and _asks(proposal):
        return True
    is_new = proposal.status == "approved"
    if is_new and Proposal.objects.filter(pk=proposal.pk, start_by__lt=Now()).exists():
        return False  # the recheck says why it is void
    return kill_switch.stopped(plan) is not None or (is_new and freezes.in_force(plan) is not None)


def _asks(proposal: Proposal) -> bool:
    """Whether a person was asked and the data does not say yet that it is done."""
    return proposal.requests.filter(closed_at=None).exists()


def _hold(proposal: Proposal, execution: Execution, plan: Plan, epoch: int) -> None:
    """The work, and what becomes of each way in which it can end early."""
    try:
        if execution.attempts > MAX_ATTEMPTS:
            raise Void("attempts", f"It was taken up {MAX_ATTEMPTS} times and never came to an end.")
        _begin(proposal, execution, plan, epoch)
        rows = _rows(execution, plan)
        for row, step in zip(rows, plan.on("production"), strict=True):
            _step(proposal, execution, plan, epoch, row, step)
            if row.status == "failed":
                break  # production is red: what then happens is the plan's to say, in validate
            if step.kind == "ask" and row.number < len(rows) and _asks(proposal):
                along(proposal, "waiting_on_person", actor=audit.WORKER, source="worker")
                return  # what follows was signed for when the data proves that it was done (asking/prove.py)
        _finish(proposal, execution, plan, rows)
    except kill_switch.Halted as halted:
        audit.record("execution.stopped", execution, actor=audit.WORKER, source="worker", reason=str(halted))
    except Void as void:
        settle(proposal, execution, plan)
        stop(proposal, execution, "void", str(void), field=void.field, code=void.code, epoch=epoch)
    except BaseMoved as error:
        settle(proposal, execution, plan)
        reason = f"Production moved before it was published: {error}"
        stop(proposal, execution, "superseded", reason, epoch=epoch)
    except IntegrationError as error:
        if not _ended(proposal, execution, plan, epoch, error):
            raise  # out of the lease, which then keeps the count of attempts


def _begin(proposal: Proposal, execution: Execution, plan: Plan, epoch: int) -> None:
    if proposal.status == "executing":
        return
    recheck(execution, epoch, first=True)
    freezes.require_none(plan)  # after it, because what is too late is void in a freeze as well
    with transaction.atomic():
        Execution.objects.filter(pk=execution.pk).update(started_at=Now())
        advance(proposal, "executing", actor=audit.WORKER, source="worker")
        if proposal.incident.status == "watching":
            along(proposal, "fixing", actor=audit.WORKER, source="worker")


def _rows(execution: Execution, plan: Plan) -> list[ExecutionStep]:
    """One row per production step, made once, each with its key."""
    prefix = f"cs-{execution.proposal_id}-{execution.fingerprint[:12]}"
    for number, step in enumerate(plan.on("production"), 1):
        ExecutionStep.objects.get_or_create(
            execution=execution,
            number=number,
            defaults={"kind": step.kind, "title": step.title, "key": f"{prefix}-{number}"},
        )
    return list(execution.steps.select_related("execution__proposal__incident").order_by("number"))


def _step(proposal: Proposal, execution: Execution, plan: Plan, epoch: int, row: ExecutionStep, step: Step) -> None:
    is_first = not execution.steps.filter(status__in=["done", "failed", "skipped"]).exists()
    job = Job(proposal, plan, step, row.key, partial(recheck, execution, epoch, first=is_first))
    work = STEPS[step.kind]
    carry(row, lookup=partial(work.lookup, job), act=partial(work.act, job))


def _ended(proposal: Proposal, execution: Execution, plan: Plan, epoch: int, error: IntegrationError) -> bool:
    """A permanent error ends it; otherwise the sweep takes it up again until its attempts are used."""
    log.warning("%s: %s", execution, error.__class__.__name__)
    if error.permanent or execution.attempts >= MAX_ATTEMPTS:
        settle(proposal, execution, plan)
        stop(proposal, execution, "failed", str(error), epoch=epoch)
        return True
    Execution.objects.filter(pk=execution.pk).update(error=str(error))
    return False


def _finish(proposal: Proposal, execution: Execution, plan: Plan, rows: list[ExecutionStep]) -> None:
    kinds = {step.kind for step in plan.on("production")}
    failpoint("published")
    with transaction.atomic():
        ended = Execution.objects.filter(pk=execution.pk, finished_at=None)
        if ended.update(finished_at=Now(), outcome="done", error="") != 1:
            raise LostRace(f"{execution} was ended by another worker.")
        execution.steps.filter(status="waiting").update(status="skipped")
        if kinds <= QUIET:
            advance(proposal, "done", actor=audit.WORKER, source="worker")
            if "close" not in kinds:  # that step has resolved it already
                to = "waiting_on_person" if "ask" in kinds else "escalated"
                along(proposal, to, actor=audit.WORKER, source="worker")
        else:
            advance(proposal, "validating", actor=audit.WORKER, source="worker")
            along(proposal, "validating", actor=audit.WORKER, source="worker")
