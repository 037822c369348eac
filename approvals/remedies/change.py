"""The shape that every change to data or code has: branch, change, run there; publish, run here."""

from __future__ import annotations

from collections.abc import Sequence

from approvals.affected import Part
from approvals.plan import Plan, Step
from approvals.remedies.case import Case, run_steps
from integrations.effects import ApplyPatch, Change, RevertCommit
from integrations.models import Connection
from integrations.values import as_json


def change_plan(
    case: Case,
    action: str,
    *,
    title: str,
    why: str,
    holder: Connection,
    change: Change,
    change_title: str,
    assets: Sequence[str],
    parts: tuple[Part, ...],
    undo: str,
) -> Plan:
    """`assets` are the uris that are edited, none for code. `parts` run on the branch, then in production."""
    code = isinstance(change, ApplyPatch | RevertCommit)
    what = "the code" if code else ", ".join(uri.rpartition("/")[2] for uri in assets)
    branch = f"Branch {what} from production, without a copy"
    steps = (
        Step("fork", branch, "staging", holder.name, {"assets": [*assets]}, action),
        Step("change", change_title, "staging", holder.name, as_json(change), action),
        *run_steps(parts, action, staging=True),
        Step("publish", f"Switch {what} to the branch, if production has not moved", "production", holder.name,
             {"assets": [*assets]}, action, undo),
        *run_steps(parts, action, staging=False),
    )  # fmt: skip
    targets = tuple(assets) or tuple(uri for part in parts for uri in part.select) or (case.root,)
    return Plan(action, title, why, case.number, case.root, steps, "undo", targets)
