"""One step of an execution: intent, look up, act, receipt. After a crash at any line it can be done again."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.db.models.functions import Now

from app.core import audit
from app.core.errors import LostRace
from app.core.failpoints import failpoint
from approvals.models import ExecutionStep
from approvals.steps.work import Done
from integrations.values import Json

OUTPUT = 20_000  # characters of output that a step keeps, the end


def carry(row: ExecutionStep, *, lookup: Callable[[], Done | None], act: Callable[[], Done | None]) -> None:
    """Bring `row` to done (or failed, when the tool ran and said no).

    No outbound call is inside a transaction: intent is saved, the target is asked under the key whether it happened
    already, only then it is acted on, and the receipt is saved. Errors of the target pass through; the row stays open.
    """
    if row.status in {"done", "failed", "skipped"}:
        return
    _intent(row)
    failpoint("intent_saved")
    done = lookup() or act()
    _receipt(row, done)
    failpoint("recorded")


def _intent(row: ExecutionStep) -> None:
    if row.status == "running":
        return  # saved by a worker that did not come back
    with transaction.atomic():
        _move(row, "waiting", status="running", started_at=Now())
        _record("execution.intent", row, {})


def _receipt(row: ExecutionStep, done: Done | None) -> None:
    status = "skipped" if done is None else "done" if done.ok else "failed"
    receipt = done.receipt if done else None
    with transaction.atomic():
        _move(row, "running", status=status, finished_at=Now(), receipt=receipt, output=_tail(done))
        _record("execution.receipt", row, {"status": status, "receipt": _brief(receipt or {})})


def _move(row: ExecutionStep, before: str, **fields: object) -> None:
    """Compare-and-swap: a worker that slept while another did this step is told here."""
    if ExecutionStep.objects.filter(pk=row.pk, status=before).update(**fields) != 1:
        raise LostRace(f"Step {row.number} of {row.execution} was done by another worker.")
    row.refresh_from_db()


def _record(event: str, row: ExecutionStep, detail: Json) -> None:
    execution = row.execution
    audit.record(
        event,
        execution,
        actor=audit.WORKER,
        source="worker",
        outcome="failure" if detail.get("status") == "failed" else "success",
        detail={"step": row.number, "kind": row.kind, "key": row.key, "title": row.title, **detail},
    )


def _brief(receipt: Json) -> Json:
    """Without the results of every node: the trail is for reading, the step keeps the whole."""
    return {name: value for name, value in receipt.items() if name not in {"report", "detail"}}


def _tail(done: Done | None) -> str:
    return done.output[-OUTPUT:].replace("\x00", "") if done else ""
