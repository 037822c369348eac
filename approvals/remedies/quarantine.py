"""Rows of a category that nobody knows are held in a table of their own."""

from __future__ import annotations

from approvals.affected import rebuilds
from approvals.plan import Plan
from approvals.remedies.case import Case
from approvals.remedies.change import change_plan
from integrations.effects import QuarantineRows
from integrations.values import Predicate


def quarantine(case: Case) -> Plan:
    asset, column, values = case.asset(), str(case.fact("column")), list(case.fact("values"))
    hold = f"quarantine.{asset.name.rpartition('.')[2]}_inc_{case.number}"
    listed = ", ".join(str(value) for value in values)
    rows = f"{case.facts['rows']:,} rows" if case.facts.get("rows") else "the rows"
    return change_plan(
        case,
        "quarantine",
        title=f"Hold {rows} of {asset.name} whose {column} is {listed}",
        why=f"No earlier load of {asset.name} has {listed} in {column}; without those rows its totals are usual again.",
        holder=case.holder(asset),
        change=QuarantineRows(asset.ref, Predicate(((column, "in", values),)), hold),
        change_title=f"Keep {rows} where {column} is {listed} in {hold}",
        assets=[asset.ref.uri],
        parts=rebuilds([asset]),
        undo=f"{asset.name} goes back to the snapshot it had; {hold} stays.",
    )
