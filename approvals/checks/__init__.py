"""The verification report: one file per section of DESIGN.md section 10, in the order that people read them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from app.core.canonical import sha256
from approvals.checks.columns import columns
from approvals.checks.cost import cost
from approvals.checks.finding import Bench, Finding
from approvals.checks.pipeline import rebuilt, tests
from approvals.checks.preconditions import preconditions
from approvals.checks.rows import rows
from approvals.checks.schema import schema
from approvals.checks.segment import segment
from approvals.checks.snapshots import snapshots
from approvals.checks.statements import statements
from approvals.checks.totals import totals
from approvals.checks.undo import undo

CHECKS: tuple[Callable[[Bench], Finding], ...] = (
    preconditions, tests, rows, columns, schema, totals, segment, rebuilt, snapshots, undo, cost, statements,
)  # fmt: skip


@cache
def verifier() -> str:
    """Hash of the code that computes the report: a proposal verified by other code must be verified again."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return sha256([[path.name, sha256(path.read_bytes())] for path in files])
