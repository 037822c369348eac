"""End an execution that cannot go on: nothing is lost, people are called, and the plan says what is taken back."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from app.core import audit
from app.core.canonical import sha256
from app.core.errors import LostRace
from app.core.lifecycle import MOVES
from approvals.models import Execution, Proposal
from approvals.together import along, close
from approvals.undo import begin_undo

# how an execution ended -> what becomes of its proposal when nothing was done yet
PROPOSAL = {"void": "superseded", "superseded": "superseded", "failed": "failed"}


def stop(
    proposal: Proposal, execution: Execution, outcome: str, reason: str, *,
    field: str = "", code: str = "void", epoch: int | None = None,
) -> None:  # fmt: skip
    """Close execution, proposal and incident together; what was published is taken back if the plan says `undo`.

    Raises LostRace when it has ended meanwhile, or a worker other than the one of `epoch` has it.
    """
    with transaction.atomic():
        row = Execution.objects.select_for_update(of=("self",)).filter(pk=execution.pk, finished_at=None)
        if not (row.exists() if epoch is None else row.filter(epoch=epoch).exists()):
            raise LostRace(f"{execution} was taken over by another worker.")
        execution.refresh_from_db()
        proposal.refresh_from_db()
        touched = has_effects(execution)
        if field:
            audit.record(
                "execution.void",
                execution,
                actor=audit.WORKER,
                source="worker",
                reason=reason,
                outcome="denied",
                error_code=code,
                detail={"field": field} if code == "void" else {"field": field, "sha256": sha256(proposal.plan)},
            )
        end(execution, outcome, reason)
        to = "failed" if touched else PROPOSAL[outcome]
        if to in MOVES["proposal"][proposal.status]:
            close(proposal, to, actor=audit.WORKER, source="worker", reason=reason)
        along(proposal, "escalated", actor=audit.WORKER, source="worker", reason=reason)
        if touched and proposal.plan.get("on_red") == "undo":
            begin_undo(execution, by=None, actor=audit.WORKER, source=audit.Source("worker"), reason=reason)


def end(execution: Execution, outcome: str, reason: str) -> None:
    execution.steps.filter(status="running").update(status="failed", finished_at=Now(), output=reason)
    execution.steps.filter(status="waiting").update(status="skipped")
    Execution.objects.filter(pk=execution.pk).update(finished_at=Now(), outcome=outcome, error=reason)
    audit.record(
        "execution.stopped",
        execution,
        actor=audit.WORKER,
        source="worker",
        reason=reason,
        outcome="failure",
        error_code=outcome,
    )


def has_effects(execution: Execution) -> bool:
    """Whether production holds something of it that can be taken back."""
    rows = execution.steps.filter(status__in=["done", "failed"], receipt__isnull=False)
    return any(row.kind == "publish" or (row.receipt or {}).get("receipt") for row in rows)
