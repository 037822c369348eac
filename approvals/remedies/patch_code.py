"""A draft of the model, or of a person's agent: a small diff that applies and parses, rehearsed like all else."""

from __future__ import annotations

from approvals.plan import Plan
from approvals.remedies.case import Case, NoPlan
from approvals.remedies.change import change_plan
from approvals.remedies.rollback import code_parts, file_at_head
from incidents.agent.draft import NoDraft, draft
from integrations.effects import ApplyPatch


def patch_code(case: Case) -> Plan:
    """The diff in the facts is read again against what production runs now."""
    repository, given = case.repository(), str(case.fact("draft"))
    try:
        made = draft(given, lambda path: file_at_head(repository, path))
    except NoDraft as error:
        raise NoPlan(str(error)) from error
    files = ", ".join(path.rpartition("/")[2] for path in made.paths)
    return change_plan(
        case,
        "patch_code",
        title=f"Edit {files}"[:300],
        why=str(case.facts.get("draft_why") or "A drafted change of the code, not written by a rule."),
        holder=repository,
        change=ApplyPatch(made.diff, f"Edit {files}\n\nDrafted for INC-{case.number}."),
        change_title=f"Edit {files}"[:300],
        assets=[],
        parts=code_parts(case, repository, list(made.paths)),
        undo="A new commit restores the files.",
    )
