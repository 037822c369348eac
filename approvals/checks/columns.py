"""Section 4: which values of which columns change, and the masked rows that the engine picked."""

from __future__ import annotations

from approvals.checks.finding import Bench, Finding
from integrations.effects import TableDiff
from integrations.values import Json

SAMPLE = 20  # rows that a person is shown


def columns(bench: Bench) -> Finding:
    """Rates of changed values, and the masked rows that the engine picked."""
    if not bench.tables:
        return Finding("columns", "Columns", "skipped", "no row is edited directly", section=[])
    section = [_rates(table) for table in bench.tables]
    named = [name for table in bench.tables for name, count in table.columns.items() if count]
    note = ", ".join(named) if named else "no value changed in rows that stay"
    return Finding("columns", "Values by column", "note" if named else "ok", note, section=section)


def _rates(table: TableDiff) -> Json:
    whole = table.changed + table.same
    rates = [
        {"column": column.name, "changed": table.columns.get(column.name, 0),
         "rate": round(table.columns.get(column.name, 0) / whole, 6) if whole else 0.0}
        for column in table.schema_after
    ]  # fmt: skip
    return {"asset": table.asset.uri, "name": table.asset.name, "rates": rates, "sample": [*table.sample[:SAMPLE]]}
