"""What of a plan can be taken back: before it is signed from its steps, afterwards from its receipts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from approvals.models import ExecutionStep
from integrations.models import Connection
from integrations.registry import CONNECTORS


def can_be_undone(steps: Iterable[Mapping[str, Any]]) -> bool:
    """Whether any step in production is one that its connector can take back. One query at most."""
    live = [step for step in steps if step.get("where") == "production"]
    if any(step.get("kind") == "publish" for step in live):
        return True
    runners = {str(step.get("connection")) for step in live if step.get("kind") == "rerun"}
    kinds = Connection.objects.filter(name__in=runners).values_list("kind", flat=True) if runners else ()
    return any(kind in CONNECTORS and CONNECTORS[kind].takes_back for kind in kinds)


def left_to_undo(rows: Iterable[ExecutionStep]) -> bool:
    """Whether a step left a receipt from which production can be put back; a run in a cluster leaves none."""
    return any(_receipt(row) for row in rows)


def _receipt(row: ExecutionStep) -> Any:
    if row.kind == "rerun":
        return (row.receipt or {}).get("receipt")
    return row.receipt if row.kind == "publish" else None
