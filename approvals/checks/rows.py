"""Section 3: rows added, removed, changed and same, by key."""

from __future__ import annotations

from approvals import safety
from approvals.checks.finding import Bench, Finding
from integrations.effects import TableDiff
from integrations.values import Json


def rows(bench: Bench) -> Finding:
    """Red when more rows are edited than the caps allow, or than the change says it touches."""
    if not bench.tables:
        return Finding("rows", "Rows", "skipped", "no row is edited directly", section=[])
    section = [_counts(table) for table in bench.tables]
    edited = {table.asset.uri: table.added + table.removed + table.changed for table in bench.tables}
    totals = {table.asset.uri: table.added + table.removed + table.changed + table.same for table in bench.tables}
    over: tuple[str, ...] = safety.verdict(bench.plan, {"edited_rows": edited, "total_rows": totals})
    note = ", ".join(
        f"{row['removed']:,} removed, {row['changed']:,} changed, {row['added']:,} added" for row in section
    )
    if unexpected := [table for table in bench.tables if table.added or table.changed]:
        over = (*over, f"{unexpected[0].asset.name} has rows added or changed, and the plan only takes rows out.")
    return Finding("rows", "Rows by key", "bad" if over else "ok", note, " ".join(over), section)


def _counts(table: TableDiff) -> Json:
    return {
        "asset": table.asset.uri, "name": table.asset.name, "key": [*table.key], "added": table.added,
        "removed": table.removed, "changed": table.changed, "same": table.same,
    }  # fmt: skip
