"""A batch that was loaded twice is reduced to one row per key."""

from __future__ import annotations

from approvals.affected import rebuilds
from approvals.plan import Plan
from approvals.remedies.case import Case
from approvals.remedies.change import change_plan
from integrations.effects import DedupeRows


def patch_data(case: Case) -> Plan:
    asset, key = case.asset(), tuple(case.fact("key"))
    count = case.facts.get("duplicates")
    rows = f"{count:,} repeated rows" if count else "the repeated rows"
    return change_plan(
        case,
        "patch_data",
        title=f"Remove {rows} from {asset.name}, one row per {', '.join(key)} stays",
        why="The rows that go are equal to one that stays in every column but those that the load itself writes.",
        holder=case.holder(asset),
        change=DedupeRows(asset.ref, key, tuple(case.facts.get("ignore") or ())),
        change_title=f"Keep the first loaded row of each {', '.join(key)}",
        assets=[asset.ref.uri],
        parts=rebuilds([asset]),
        undo=f"{asset.name} goes back to the snapshot it had.",
    )
