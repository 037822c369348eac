"""What nobody can approve past (formats.md, section 14). Pure, and pinned: approvals bind the hash of this source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from approvals import never
from approvals.catalogue import CATALOGUE
from approvals.patches import read_patch
from approvals.plan import Caps, Plan, Step
from integrations.values import Json

PATCH_LINES = 400  # changed lines that a person can still read
MAX_CAPS = Caps()  # policy may lower them, a plan never raises them
CHANGES = {"quarantine_rows", "dedupe_rows", "apply_patch", "revert_commit"}
OPERATORS = {"=", "in", "is null", ">=", "<"}
TEXT = {".sql", ".yml", ".yaml", ".py", ".md", ".csv", ".toml", ".txt", ".json"}
# What is recorded of a refusal beside its words, the gravest first.
SIGNATURE_MATCHED, SAFETY_BLOCKED, POLICY_DENIED = "SIGNATURE_MATCHED", "SAFETY_BLOCKED", "POLICY_DENIED"
CODES = (SIGNATURE_MATCHED, SAFETY_BLOCKED, POLICY_DENIED)
# What a person confirms whatever any rule says, by kind of step and of change (`undo` has a door of its own).
ALWAYS_CONFIRM = {
    "publish": "publish",
    "rerun": "re-run in production",
    "apply_patch": "patch to code or mapping",
    "revert_commit": "patch to code or mapping",
    "quarantine_rows": "quarantine",
    "ask": "message to a person",
}
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


class Refusal(str):
    """Words for people, with the code that the record keeps."""

    code: str

    def __new__(cls, words: str, code: str = SAFETY_BLOCKED) -> Refusal:
        made = super().__new__(cls, words)
        made.code = code
        return made


def verdict(plan: Plan, facts: Json | None = None) -> tuple[Refusal, ...]:
    """Why this plan may not be carried out, whoever signs it; empty when it may. Pure. What cannot be checked may not.

    `facts` may hold `edited_rows` and `total_rows` per asset uri, and `seconds`, as measured on staging.
    """
    try:
        found = [*_shape(plan)]
        for step in plan.steps:
            found += _step(step)
        found += _over_caps(plan, facts or {})
    except UNREADABLE as error:
        found = [f"A safety check could not be run ({error.__class__.__name__}), and what is not checked is not done."]
    return tuple(dict.fromkeys(one if isinstance(one, Refusal) else Refusal(one) for one in found))


def confirmed(plan: Plan) -> tuple[str, ...]:
    """What of this plan a person always confirms, in the words of ALWAYS_CONFIRM."""
    kinds = [kind for step in plan.steps for kind in (step.kind, str(step.params.get("kind", "")))]
    return tuple(dict.fromkeys(ALWAYS_CONFIRM[kind] for kind in kinds if kind in ALWAYS_CONFIRM))


def code_of(refusals: Iterable[str]) -> str:
    """The gravest code among these refusals."""
    codes = {getattr(one, "code", SAFETY_BLOCKED) for one in refusals}
    return next((code for code in CODES if code in codes), SAFETY_BLOCKED)


def _shape(plan: Plan) -> Iterator[str]:
    if plan.action not in CATALOGUE or any(step.action not in CATALOGUE for step in plan.steps):
        yield "It has an action that is not in the catalogue."
    if not plan.targets:
        yield "It does not say which assets it is about."
    caps = plan.caps
    if caps.rows > MAX_CAPS.rows or caps.tables > MAX_CAPS.tables or caps.seconds > MAX_CAPS.seconds:
        yield "Its caps are above what is allowed."
    edited = {uri for step in plan.steps if step.kind == "publish" for uri in step.params.get("assets", [])}
    if len(edited) > caps.tables:
        yield f"It edits {len(edited)} tables; at most {caps.tables} are allowed."
    forked = {
        (step.connection, uri) for step in plan.steps if step.kind == "fork" for uri in step.params.get("assets", [])
    }
    if any(
        (step.connection, uri) not in forked
        for step in plan.steps
        if step.kind == "publish"
        for uri in step.params["assets"]
    ):
        yield "It publishes what it did not stage."


def _step(step: Step) -> Iterator[str]:
    params = step.params
    if step.kind == "change":
        kind = params.get("kind")
        if step.where != "staging":
            yield "It changes production directly."
        if kind not in CHANGES:
            yield "It has a change of a kind that cannot be made."
        elif kind == "quarantine_rows":
            yield from _predicate(params)
        elif kind == "dedupe_rows" and not [name for name in params.get("key", []) if name]:
            yield "Without a key every row would be a duplicate."
        elif kind == "apply_patch":
            yield from _patch(str(params.get("diff", "")))
        elif kind == "revert_commit" and not re.fullmatch(r"[0-9a-f]{7,64}", str(params.get("sha", ""))):
            yield "It does not name a commit to take back."
    if step.kind in ("run", "rerun"):
        yield from _matched(never.in_parameters(params.get("parameters") or {}))


def _predicate(params: Json) -> Iterator[str]:
    """An empty, null, missing or always true predicate never means all rows."""
    conditions = (params.get("predicate") or {}).get("conditions") or []
    if not conditions:
        yield "It does not say which rows; that never means all."
    for number, condition in enumerate(conditions, 1):
        if not _selects(condition):
            yield f"Condition {number} does not say which rows."
    if not str(params.get("hold", "")).startswith("quarantine."):
        yield "Held rows belong into the namespace quarantine."


def _selects(condition: Any) -> bool:
    if not isinstance(condition, list | tuple) or len(condition) != 3:
        return False
    column, operator, value = condition
    if not isinstance(column, str) or not re.search(r"[A-Za-z_]", column) or operator not in OPERATORS:
        return False
    if operator == "in":
        return isinstance(value, list | tuple) and bool(value) and all(_is_literal(item) for item in value)
    return operator == "is null" or _is_literal(value)


def _is_literal(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _patch(diff: str) -> Iterator[str]:
    patch = read_patch(diff)
    if not patch.paths or not patch.changed:
        yield "The patch changes nothing."
    if patch.changed > PATCH_LINES:
        yield f"The patch changes {patch.changed} lines; at most {PATCH_LINES} can be read."
    if patch.odd:
        yield "The patch adds, removes, renames or re-modes a file; only tracked text files may be edited."
    for path in sorted(patch.paths):
        yield from _path(path)
    yield from _matched(never.in_patch(patch))


def _path(path: str) -> Iterator[str]:
    pure = PurePosixPath(path)
    told = [*_matched(never.in_path(path))]
    if pure.is_absolute() or ".." in pure.parts:
        yield f"{path} is not a tracked file of the repository."
    elif told:
        yield from told
    elif pure.suffix.lower() not in TEXT:
        yield f"{path} is no text file that may be patched."


def _matched(told: Iterable[str]) -> Iterator[Refusal]:
    """Found by a pattern of the list *never*."""
    return (Refusal(words, SIGNATURE_MATCHED) for words in told)


def _over_caps(plan: Plan, facts: Json) -> Iterator[str]:
    totals = facts.get("total_rows") or {}
    for uri, rows in (facts.get("edited_rows") or {}).items():
        limit = max(plan.caps.rows, int(totals.get(uri, 0)) // 100)
        if rows > limit:
            yield f"{rows:,} rows of {uri.rpartition('/')[2]} would be edited; at most {limit:,} are allowed."
    if facts.get("seconds", 0) > plan.caps.seconds:
        yield f"The rehearsal took {facts['seconds']:.0f} s; at most {plan.caps.seconds} s are allowed."
