"""The bytes that an approval signs (reliability.md, section 2). Change one of these fields and the approval is void."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from app.core.canonical import canonical, sha256
from approvals import checks, policy
from approvals.catalogue import CATALOGUE
from approvals.models import Proposal, Report
from approvals.plan import Plan
from approvals.restrained import named
from integrations.models import Connection
from integrations.values import Json

FIELDS = (
    "plan", "base", "staging", "report", "verifier", "policy", "safety",
    "environment", "connections", "caps", "people", "requested_at", "expires_at",
)  # fmt: skip

SAFETY = ("safety.py", "never.py", "patches.py", "catalogue.py", "risk.py", "plan.py")

BRANCH = ("name", "base", "head")
DEMANDED = ("quorum", "roles", "groups", "one_from", "doors", "second_factor", "until_h")  # of the signatures


def bind(proposal: Proposal) -> Json:
    """Every bound field by name, read again from the rows and from our own code as they are now.

    `base` and `staging` are what was recorded: `base.moved` asks production, and publishing refuses a staging branch
    that is not where it was left.
    """
    plan = Plan.from_json(proposal.plan)
    known = _reached(_touched(plan))
    need = policy.requirement(proposal)
    action = CATALOGUE[proposal.action]
    bound = {
        "plan": {
            "sha256": sha256(proposal.plan),
            "action": action.name,
            "version": action.version,
            "targets": [*plan.targets],
        },
        "base": proposal.base,
        "staging": {branch["connection"]: [branch[part] for part in BRANCH] for branch in proposal.branches},
        "report": _report(proposal),
        "verifier": checks.verifier(),
        "policy": {"hash": need["hash"], "rule": need["rule"], "risk": proposal.risk, "also": sorted(named(plan))},
        "safety": pinned(),
        "environment": "production",
        "connections": {name: _connection(row) for name, row in sorted(known.items())},
        "caps": proposal.plan["caps"],
        "people": {
            **{part: need[part] for part in DEMANDED},
            "proposer": proposal.proposer,
            "editors": proposal.editors,
        },
        "requested_at": _time(proposal.requested_at),
        "expires_at": _time(proposal.expires_at),
    }
    plain: Json = json.loads(canonical(bound))  # a copy, as it comes back from the database
    return plain


@cache
def pinned() -> str:
    """Hash of the safety layer's own source: another one voids every open approval, because it would decide anew."""
    return sha256([[name, sha256((Path(__file__).parent / name).read_bytes())] for name in SAFETY])


def fingerprint_of(bound: Json) -> str:
    return sha256({name: bound[name] for name in FIELDS})


def differences(then: Json, now: Json) -> list[str]:
    """Names of the fields that are not what they were; a field that is missing on one side differs."""
    return [name for name in FIELDS if _digest(then, name) != _digest(now, name)]


def report_digest(report: Report) -> str:
    """Over everything that the report says, read from the row and not from its own column."""
    return sha256([report.checks, report.sections, report.not_checked, report.green])


def _touched(plan: Plan) -> set[str]:
    return {step.connection for step in plan.steps if step.connection}


def _reached(names: set[str]) -> dict[str, Connection]:
    """These and whatever they work through: the repository whose code is run, the engine, the lake."""
    known: dict[str, Connection] = {}
    everything = {row.name: row for row in Connection.objects.all()}
    while names:
        known |= {name: everything[name] for name in names if name in everything}
        named = {text for name in names if name in everything for text in _texts(everything[name].config)}
        names = (named & everything.keys()) - known.keys()
    return known


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(part)


def _connection(row: Connection) -> Json:
    credentials = list(row.credentials.order_by("pk").values_list("pk", "name"))
    config = sha256(row.config)
    return {
        "id": row.pk,
        "kind": row.kind,
        "enabled": row.enabled,
        "config": config,
        "credentials": [[*c] for c in credentials],
    }


def _report(proposal: Proposal) -> str:
    report = Report.objects.filter(proposal=proposal).first()
    return report_digest(report) if report else ""


def _time(at: Any) -> str:
    return at.isoformat() if at else ""


def _digest(bound: Json, name: str) -> str | None:
    return sha256(bound[name]) if name in bound else None
