"""Section 2: what was staged, on what, and how old that is."""

from __future__ import annotations

from approvals.checks.finding import Bench, Finding
from integrations.values import Json


def snapshots(bench: Bench) -> Finding:
    rows = [
        _row(bench, branch.connection, uri, base, branch.head[uri])
        for branch in bench.branches
        for uri, base in branch.base.items()
    ]
    reads = {
        name: versions
        for name, versions in bench.proposal.base.items()
        if name not in {b.connection for b in bench.branches}
    }
    unchanged = [row["name"] for row in rows if row["base"] == row["head"]]
    section = {"branches": rows, "reads": reads}
    if unchanged:
        return Finding(
            "snapshots",
            "The branch changes something",
            "bad",
            ", ".join(unchanged),
            "It is what production is.",
            section,
        )
    if not rows:
        return Finding("snapshots", "Base", "note", _based_on(reads), section=section)
    return Finding(
        "snapshots", "Branched from what production is", "ok", ", ".join(row["name"] for row in rows), section=section
    )


def _row(bench: Bench, connection: str, uri: str, base: str, head: str) -> Json:
    """Age in seconds at verification; None where the engine keeps no history of it."""
    branch = next(branch for branch in bench.branches if branch.connection == connection)
    name = uri.rpartition("/")[2] if uri != "commit" else "commit"
    return {"connection": connection, "branch": branch.name, "asset": uri, "name": name, "base": base, "head": head}


def _based_on(reads: Json) -> str:
    return "the failed run" if "@run" in reads else "the incident as it is"
