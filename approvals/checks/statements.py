"""Section 1: what will run, byte for byte."""

from __future__ import annotations

from approvals.checks.finding import Bench, Finding
from integrations.values import as_json


def statements(bench: Bench) -> Finding:
    code = [as_json(file) for diff in bench.diffs.values() for file in diff.code]
    steps = [
        {"title": s.title, "where": s.where, "connection": s.connection, "params": s.params} for s in bench.plan.steps
    ]
    live = len(bench.plan.on("production"))
    files = f", {len(code)} file{'s' * (len(code) != 1)}" if code else ""
    section = {"steps": steps, "code": code}
    return Finding("statements", "Exact statements", "note", f"{live} in production{files}", section=section)
