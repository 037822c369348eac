"""Section 12: what the rehearsal wrote and took, beside what it may."""

from __future__ import annotations

from approvals import safety
from approvals.checks.finding import Bench, Finding


def cost(bench: Bench) -> Finding:
    seconds = float(bench.proposal.staging.get("seconds") or 0.0)
    written = sum(branch.bytes_written for branch in bench.branches)
    caps = bench.plan.caps
    over = safety.verdict(bench.plan, {"seconds": seconds})
    section = {"seconds": seconds, "bytes_written": written,
               "caps": {"rows": caps.rows, "tables": caps.tables, "seconds": caps.seconds}}  # fmt: skip
    if not bench.runs and not bench.branches:
        return Finding("cost", "Cost", "note", f"at most {caps.seconds} s in production", section=section)
    note = f"{seconds:.0f} s, {_bytes(written)} written"
    return Finding("cost", "Time, bytes and caps", "bad" if over else "ok", note, " ".join(over), section)


def _bytes(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
