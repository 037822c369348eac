"""Compute the report of a staged proposal; green, it waits for signatures, and what they sign is fixed here."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min

from app.core.audit import WORKER
from app.core.canonical import sha256
from app.core.errors import LostRace
from app.core.lease import MAX_ATTEMPTS, holds, lease
from app.core.lifecycle import advance
from approvals import checks, fingerprint, policy
from approvals.affected import assets_of, downstream
from approvals.base import moved
from approvals.checks import CHECKS
from approvals.checks.finding import Bench, Finding
from approvals.models import Proposal, Report
from approvals.plan import Plan
from approvals.propose import database_now
from approvals.restrained import named, refusals
from approvals.safety import code_of
from approvals.stage import fail, supersede
from incidents.models import Asset
from integrations.errors import IntegrationError, Refused

SHORTEST, LONGEST = timedelta(hours=1), timedelta(hours=24)  # how long a proposal can be signed


def verify(proposal: Proposal) -> Report | None:
    """The report of a proposal that is `verifying`; None when there is nothing to verify or it ended on the way.

    Green: bound, fingerprinted, `awaiting_decision`. Red: `verification_failed`, and the incident goes to people. A
    base that moved supersedes it. Raises LostRace when another worker is at it.
    """
    if proposal.status != "verifying":
        return None
    with lease(proposal, "verifying") as epoch:
        try:
            if proposal.attempts > MAX_ATTEMPTS:
                raise Refused(f"Verification was taken up {MAX_ATTEMPTS} times and never came to an end.")
            if gone := moved(proposal):
                supersede(proposal, f"Production moved while this was rehearsed: {', '.join(gone)}.")
                return None
            return _verify(proposal, epoch)
        except IntegrationError as error:
            if not error.permanent and proposal.attempts < MAX_ATTEMPTS:
                raise
            fail(proposal, f"It could not be verified: {error}")
    return None


def expiry(now: datetime, next_load: datetime | None, until_h: int | None = None) -> datetime:
    """The next scheduled load of its assets, or what policy allows: at least an hour, at most a day away. Pure."""
    longest = timedelta(hours=until_h) if until_h else LONGEST
    return min(max(next_load or now + longest, now + SHORTEST), now + longest)


def _verify(proposal: Proposal, epoch: int) -> Report | None:
    plan, started = Plan.from_json(proposal.plan), time.monotonic()
    bench = Bench(proposal, plan, database_now())
    findings = [check(bench) for check in CHECKS]
    if refused := refusals(plan):
        _block(proposal, refused)
        return None
    if not holds(proposal, epoch):
        raise LostRace(f"{proposal} was taken over by another worker.")
    with transaction.atomic():
        report = _report(proposal, findings, time.monotonic() - started)
        if report.green:
            _ask(proposal, bench, findings)
        else:
            _refuse(proposal, findings)
    return report


def _report(proposal: Proposal, findings: list[Finding], seconds: float) -> Report:
    shown = [finding for finding in findings if finding.state != "skipped"]
    report, _ = Report.objects.update_or_create(
        proposal=proposal,
        defaults={
            "checks": [finding.as_check() for finding in shown],
            "sections": {finding.name: finding.section for finding in findings},
            "not_checked": _not_checked(proposal, findings),
            "green": not any(finding.state == "bad" for finding in findings),
            "verifier": checks.verifier(),
            "seconds": round(seconds, 2),
        },
    )
    report.refresh_from_db()
    report.sha256 = fingerprint.report_digest(report)
    report.save(update_fields=["sha256"])
    return report


def _not_checked(proposal: Proposal, findings: list[Finding]) -> list[str]:
    sentences = [sentence for finding in findings for sentence in finding.not_checked]
    skipped = [f"{finding.title}: {finding.note}." for finding in findings if finding.state == "skipped"]
    staged = proposal.staging.get("runs") or []
    if staged and not proposal.staging.get("versions"):
        sentences.append("Effects on data are not rehearsed: results on the staging target cannot be read from here.")
    return [*sentences, *skipped]


def _ask(proposal: Proposal, bench: Bench, findings: list[Finding]) -> None:
    """Everything that a signature covers is written before anybody is asked."""
    proposal.requested_at = bench.now
    proposal.policy = {**policy.requirement(proposal), "also": named(bench.plan)}
    proposal.expires_at = expiry(bench.now, _next_load(bench), proposal.policy["until_h"])
    proposal.effect = _effect(proposal, findings)
    proposal.bound = fingerprint.bind(proposal)
    proposal.fingerprint = fingerprint.fingerprint_of(proposal.bound)
    proposal.save(update_fields=["requested_at", "expires_at", "policy", "effect", "bound", "fingerprint"])
    green = sum(1 for finding in findings if finding.state == "ok")
    reason = f"{green} of {green} checks are green."
    advance(proposal, "awaiting_decision", actor=WORKER, source="worker", reason=reason)
    if proposal.incident.status == "proposing":
        advance(proposal.incident, "awaiting_decision", actor=WORKER, source="worker", reason=reason)


def _refuse(proposal: Proposal, findings: list[Finding]) -> None:
    red = [f"{finding.title}: {finding.body or finding.note}" for finding in findings if finding.state == "bad"]
    reason = f"Red on the branch, so it cannot be signed. {' '.join(red)}"
    Proposal.objects.filter(pk=proposal.pk).update(status_reason=reason, effect=_effect(proposal, findings))
    advance(proposal, "verification_failed", actor=WORKER, source="worker", reason=reason)
    if proposal.incident.status == "proposing":
        advance(proposal.incident, "escalated", actor=WORKER, source="worker", reason=reason)


def _block(proposal: Proposal, refused: tuple[str, ...]) -> None:
    reason = f"The safety rules forbid it: {' '.join(refused)}"
    code, blocked = code_of(refused), sha256(proposal.plan)
    with transaction.atomic():
        Proposal.objects.filter(pk=proposal.pk).update(status_reason=reason)
        advance(
            proposal, "blocked", actor=WORKER, source="worker", reason=reason, error_code=code, sha256=blocked
        )  # fmt: skip
        if proposal.incident.status == "proposing":
            advance(proposal.incident, "escalated", actor=WORKER, source="worker", reason=reason)


def _effect(proposal: Proposal, findings: list[Finding]) -> dict[str, str]:
    """A total that goes back into its band is told first, then that the pipeline runs again, then the title."""
    told = {finding.name: finding.effect for finding in findings if finding.effect}
    prefers_totals = proposal.action in ("quarantine", "patch_data")
    for name in ("totals", "tests") if prefers_totals else ("tests", "totals"):
        if name in told:
            return told[name]
    return {"label": "", "now": "", "branch": "", "expected": "", "line": proposal.title}


def _next_load(bench: Bench) -> datetime | None:
    edited = list(assets_of({*bench.plan.targets, bench.plan.root_asset}))
    pks = [asset.pk for asset in [*edited, *downstream(edited)]]
    found: datetime | None = Asset.objects.filter(pk__in=pks, next_load_at__gt=bench.now).aggregate(
        first=Min("next_load_at")
    )["first"]
    return found
