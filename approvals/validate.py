"""Look at production after a publish: what was broken must pass now, and nothing else may be red."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from app.core import audit
from app.core.failpoints import failpoint
from app.core.lease import lease
from app.core.lifecycle import advance
from approvals.models import Execution, ExecutionStep, Proposal
from approvals.plan import Plan
from approvals.production import same_as_staged
from approvals.stop import has_effects
from approvals.together import along, close
from approvals.undo import begin_undo
from incidents.models import Incident
from incidents.recheck import recheck
from incidents.resolve import resolve
from integrations.values import Json

FOLLOW_UP = 2  # scheduled runs that are watched after a fix (DESIGN.md section 3)
GOOD = {"success", "warned"}


def validate(proposal: Proposal) -> None:
    """Check production, keep the findings on the Execution, then resolve, or do what the plan says on red."""
    with lease(proposal, "validating"):
        execution = proposal.executions.get(direction="forward")
        checks = _checks(proposal, execution)
        reds = [check["note"] for check in checks if check["ok"] is False]
        Execution.objects.filter(pk=execution.pk).update(validation={"checks": checks, "ok": not reds})
        failpoint("validated")
        if reds:
            _red(proposal, execution, " ".join(reds))
        else:
            _green(proposal)


def _green(proposal: Proposal) -> None:
    source = audit.Source("worker")
    with transaction.atomic():
        incident = proposal.incident
        incident.refresh_from_db()
        advance(proposal, "done", actor=audit.WORKER, source=source)
        if incident.status != "resolved":  # a run that passed may have resolved it meanwhile
            resolve(incident, "fixed", comment=proposal.title, actor=audit.WORKER, source=source)
        Incident.objects.filter(pk=incident.pk).update(follow_up_left=FOLLOW_UP)


def _red(proposal: Proposal, execution: Execution, reason: str) -> None:
    source = audit.Source("worker")
    with transaction.atomic():
        close(proposal, "failed", actor=audit.WORKER, source=source, reason=reason)
        along(proposal, "escalated", actor=audit.WORKER, source=source, reason=reason)
        if Plan.from_json(proposal.plan).on_red == "undo" and has_effects(execution):
            begin_undo(execution, by=None, actor=audit.WORKER, source=source, reason=reason)


# --- the checks: {"name", "ok": true | false | null (not checked), "note"} ------------------------------------


def _checks(proposal: Proposal, execution: Execution) -> list[Json]:
    rows = list(execution.steps.order_by("number"))
    reports = [(row.receipt or {}).get("report", {}) for row in rows if row.kind == "rerun"]
    results = [result for report in reports for result in report.get("results", [])]
    return [
        *[_rerun(row) for row in rows if row.kind == "rerun"],
        _nothing_red(results),
        *_openers(proposal.incident, reports, results),
        *same_as_staged(proposal, execution),
    ]


def _check(name: str, ok: bool | None, note: str) -> Json:
    return {"name": name, "ok": ok, "note": note}


def _rerun(row: ExecutionStep) -> Json:
    report = (row.receipt or {}).get("report", {})
    if row.status == "done":
        return _check("rerun", True, f"{row.title}: passed.")
    if row.status == "skipped":
        return _check("rerun", False, f"{row.title}: did not run, because a step before it failed.")
    return _check("rerun", False, f"{row.title}: failed. {report.get('error', '')}".strip())


def _nothing_red(results: list[Json]) -> Json:
    red = [_name(result) for result in results if result["status"] == "failed"]
    if red:
        return _check("results", False, f"Red in production: {', '.join(red[:5])}.")
    return _check("results", True if results else None, f"{len(results)} results, none red.")


def _openers(incident: Incident, reports: list[Json], results: list[Json]) -> list[Json]:
    """What opened the incident, asked again: our own detector looks at production as it is now."""
    seen = recheck(incident)
    if not seen:
        return [_opener(incident.opened_by, reports, results)]
    return [_check("opener", each.ok, each.note) for each in seen]


def _opener(opened_by: Json, reports: list[Json], results: list[Json]) -> Json:
    """The job or check that opened the incident, as it fared in our re-run."""
    wanted = opened_by.get("node") or opened_by.get("check") or opened_by.get("job") or ""
    jobs = [report.get("status") for report in reports if wanted in _names(report.get("job", {}))]
    nodes = [result["status"] for result in results if wanted in (result.get("node"), *_names(result["asset"]))]
    seen = nodes if opened_by.get("node") else [*nodes, *jobs]
    if not wanted or not seen:
        return _check("opener", None, "What opened the incident was not part of the re-run.")
    if set(seen) <= GOOD:
        return _check("opener", True, f"{wanted} passes now; it had opened the incident.")
    return _check("opener", False, f"{wanted} opened the incident and still does not pass.")


def _names(asset: Any) -> list[str]:
    name, namespace = asset.get("name", ""), asset.get("namespace", "")
    return [name, f"{namespace}/{name}"] if name else []


def _name(result: Json) -> str:
    return str(result.get("node") or result["asset"]["name"])
