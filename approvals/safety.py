"""What nobody can approve past (formats.md, section 14), and the kill switch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from approvals.catalogue import CATALOGUE
from approvals.models import KillSwitch
from approvals.patches import read_patch
from approvals.plan import Caps, Plan, Step
from integrations.values import Json

PATCH_LINES = 400  # changed lines that a person can still read
MAX_CAPS = Caps()  # policy may lower them, a plan never raises them
CHANGES = {"quarantine_rows", "dedupe_rows", "apply_patch", "revert_commit"}
OPERATORS = {"=", "in", "is null", ">=", "<"}
TEXT = {".sql", ".yml", ".yaml", ".py", ".md", ".csv", ".toml", ".txt", ".json"}
STATEMENT = re.compile(r"\b(drop|grant|revoke|truncate|alter\s+role|create\s+role|copy\b.*\bprogram)\b", re.IGNORECASE)
SECRET = re.compile(
    r"(^|[._/-])(secrets?|credentials?|passwords?|private|id_rsa|pgpass|netrc|env)([._/-]|$)", re.IGNORECASE
)
CI = (".github", ".gitlab", ".circleci", ".ci", ".git", ".buildkite", "jenkinsfile", ".gitlab-ci.yml", "dockerfile")


def verdict(plan: Plan, facts: Json | None = None) -> tuple[str, ...]:
    """Why this plan may not be carried out, whoever signs it; empty when it may. Pure.

    `facts` may hold `edited_rows` and `total_rows` per asset uri, and `seconds`, as measured on staging.
    """
    found = [*_shape(plan)]
    for step in plan.steps:
        found += _step(step)
    return tuple(dict.fromkeys([*found, *_over_caps(plan, facts or {})]))


def stopped(plan: Plan) -> str | None:
    """The scope of a kill switch that is on and covers this plan, None when there is none."""
    scopes = ["all", f"action:{plan.action}", *(f"action:{step.action}" for step in plan.steps)]
    scopes += [f"connection:{step.connection}" for step in plan.steps if step.connection]
    scopes += [f"asset:{uri}" for uri in {*plan.targets, plan.root_asset}]
    rows = KillSwitch.objects.filter(scope__in=scopes, lifted_at=None).order_by("pk")
    return rows.values_list("scope", flat=True).first()


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
            yield f"{kind!r} is no change that can be made."
        elif kind == "quarantine_rows":
            yield from _predicate(params)
        elif kind == "dedupe_rows" and not [name for name in params.get("key", []) if name]:
            yield "Without a key every row would be a duplicate."
        elif kind == "apply_patch":
            yield from _patch(str(params.get("diff", "")))
        elif kind == "revert_commit" and not re.fullmatch(r"[0-9a-f]{7,64}", str(params.get("sha", ""))):
            yield "It does not name a commit to take back."
    if step.kind in ("run", "rerun"):
        for name, value in (params.get("parameters") or {}).items():
            if STATEMENT.search(f"{name} {value}"):
                yield f"The parameter {name} is a statement."


def _predicate(params: Json) -> Iterator[str]:
    """An empty, null, missing or always true predicate never means all rows."""
    conditions = (params.get("predicate") or {}).get("conditions") or []
    if not conditions:
        yield "It does not say which rows; that never means all."
    for condition in conditions:
        if not _selects(condition):
            yield f"The condition {str(condition)[:80]} does not say which rows."
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
    if found := STATEMENT.search("\n".join(patch.added)):
        yield f"The patch adds a statement that is never allowed: {found.group(1).lower()}."


def _path(path: str) -> Iterator[str]:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts:
        yield f"{path} is not a tracked file of the repository."
    elif any(part.lower().startswith(CI) for part in pure.parts) or SECRET.search(path):
        yield f"{path} is for people alone: builds and secrets are never patched."
    elif pure.suffix.lower() not in TEXT:
        yield f"{path} is no text file that may be patched."


def _over_caps(plan: Plan, facts: Json) -> Iterator[str]:
    totals = facts.get("total_rows") or {}
    for uri, rows in (facts.get("edited_rows") or {}).items():
        limit = max(plan.caps.rows, int(totals.get(uri, 0)) // 100)
        if rows > limit:
            yield f"{rows:,} rows of {uri.rpartition('/')[2]} would be edited; at most {limit:,} are allowed."
    if facts.get("seconds", 0) > plan.caps.seconds:
        yield f"The rehearsal took {facts['seconds']:.0f} s; at most {plan.caps.seconds} s are allowed."
