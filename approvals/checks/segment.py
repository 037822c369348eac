"""Section 8: in which part of the data the change sits."""

from __future__ import annotations

from collections import Counter

from approvals.checks.finding import Bench, Finding
from integrations.effects import TableDiff
from integrations.values import Json

SHARED = 0.99  # of the sampled rows have the value, so that it describes them


def segment(bench: Bench) -> Finding:
    section = [found for table in bench.tables for found in _of_plan(bench, table) or _of_sample(table)]
    if not section:
        return Finding("segment", "Where the change sits", "skipped", "no part of the data stands out", section=[])
    note = ", ".join(f"{row['column']} = {row['value']}" for row in section[:3])
    return Finding("segment", "Where the change sits", "note", note, section=section)


def _of_plan(bench: Bench, table: TableDiff) -> list[Json]:
    """The predicate says it."""
    changes = [step.params for step in bench.plan.steps if step.kind == "change" and step.params.get("predicate")]
    return [
        {"asset": table.asset.uri, "column": column, "value": _text(value), "share": 1.0}
        for change in changes
        if change["asset"] == {"namespace": table.asset.namespace, "name": table.asset.name}
        for column, _, value in change["predicate"]["conditions"]
    ]


def _of_sample(table: TableDiff) -> list[Json]:
    """What nearly all of the sampled rows share; keys and single rows say nothing."""
    rows = [row.get("before") or row.get("after") or {} for row in table.sample]
    if len(rows) < 2:
        return []
    found = []
    for column in rows[0]:
        value, count = Counter(str(row.get(column)) for row in rows).most_common(1)[0]
        if column not in table.key and count / len(rows) >= SHARED:
            found.append(
                {"asset": table.asset.uri, "column": column, "value": value[:80], "share": round(count / len(rows), 3)}
            )
    return found[:5]


def _text(value: object) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)
