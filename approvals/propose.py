"""From a diagnosis to a drafted proposal, or to people when nothing fits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Max, QuerySet
from django.db.models.functions import Now

from app.core import audit
from app.core.audit import SYSTEM, Actor, Source
from app.core.errors import IllegalMove, Invalid
from app.core.lease import lease
from app.core.lifecycle import LIVE, MOVES, NEXT, advance
from app.core.tasks import ring_after_commit
from approvals.catalogue import CATALOGUE, riskiest
from approvals.grounds import base_of
from approvals.models import Proposal
from approvals.plan import Plan
from approvals.remedies import remedies_for
from approvals.remedies.case import Case, NoPlan
from approvals.remedies.patch_code import patch_code
from approvals.restrained import refusals, told
from approvals.risk import Circumstances, assessed
from incidents.models import Diagnosis, Incident
from integrations.errors import IntegrationError

RULES = {"type": "rules", "id": "rules", "name": "Rules"}
SPENT = ("rejected", "changes_requested", "verification_failed", "failed", "blocked", "undone")  # not proposed again
ACCESS = {"permission_denied", "authentication"}  # subtypes; other credentials are never looked for
ROUNDS = 6  # proposals of one diagnosis; a base that moves all the time is for people


def propose(incident: Incident) -> Proposal | None:
    """Draft the proposal of an incident that is `proposing`; None when it was handed to people.

    Called twice it is one proposal. Raises LostRace when another worker is at it.
    """
    if live := incident.proposals.filter(status__in=LIVE).first():
        return live  # before the lease, because finding it on its way is not an attempt
    with lease(incident, "proposing"):
        if live := incident.proposals.filter(status__in=LIVE).first():
            return live
        diagnosis = Diagnosis.objects.filter(incident=incident).order_by("-pk").first()
        try:
            plan = _plan(incident, diagnosis)
            _refuse_unsafe(incident, plan)
            return _draft(incident, diagnosis, plan, base_of(plan, incident))
        except NoPlan as reason:
            _escalate(incident, str(reason), reason.commands)
        except IntegrationError as error:
            if not error.permanent:
                raise
            _escalate(incident, f"A fix could not be planned: {error}")
    return None


def restage(proposal: Proposal, *, actor: Actor, source: Source) -> Proposal:
    """The same plan on what production is now: a new proposal, the old one superseded. Nobody becomes an editor.

    Raises Invalid when the incident is over, IllegalMove when this proposal cannot be staged again.
    """
    incident = proposal.incident
    if proposal.status not in ("superseded",) and "superseded" not in MOVES["proposal"][proposal.status]:
        raise IllegalMove(f"{proposal} is {proposal.status.replace('_', ' ')}, so it cannot be staged again.")
    if proposal.status in ("approved", "executing", "validating"):
        raise IllegalMove(f"{proposal} is being carried out.")
    plan = Plan.from_json(proposal.plan)
    base = base_of(plan, incident)
    try:
        with transaction.atomic():
            if proposal.status != "superseded":
                advance(proposal, "superseded", actor=actor, source=source, reason="It was staged again.")
            back_to_proposing(incident, actor, source)
            return insert(
                incident,
                plan,
                base,
                (proposal.risk, proposal.risk_reason),
                proposal.proposer,
                [*proposal.editors],
                actor,
                source,
            )
    except IntegrityError as error:
        raise Invalid("Another proposal of this incident is under way.") from error


def database_now() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def rehearsal_of(plan: Plan) -> str:
    """What the action declares, where the plan can: without a step on staging there is no rehearsal on a branch."""
    declared = CATALOGUE[plan.action].rehearsal
    return "dry_run" if declared == "branch" and not plan.on("staging") else declared


def _plan(incident: Incident, diagnosis: Diagnosis | None) -> Plan:
    if diagnosis is None or diagnosis.inconclusive:
        raise NoPlan("The diagnosis is inconclusive, so nothing is proposed.")
    if incident.proposals.filter(created_at__gte=diagnosis.at).count() >= ROUNDS:
        raise NoPlan("Production kept moving while fixes were staged. Look what else writes there.")
    case = Case(incident, diagnosis.facts, database_now())
    subtype = str(diagnosis.facts.get("subtype") or diagnosis.subtype)
    spent = set(incident.proposals.filter(status__in=SPENT).values_list("action", flat=True))
    known = [*remedies_for(subtype, case), *([("patch_code", patch_code)] if diagnosis.facts.get("draft") else [])]
    options = [build for action, build in known if action not in spent]
    if not options:
        tried = f" {', '.join(sorted(spent))} was tried already." if spent else ""
        raise NoPlan(f"No action of the catalogue fits {subtype.replace('_', ' ') or 'this'}.{tried}", case.by_hand())
    return _first_that_fits(options, case)


def _first_that_fits(options: list[Any], case: Case) -> Plan:
    last = NoPlan("No action fits.")
    for build in options:
        try:
            plan: Plan = build(case)
        except NoPlan as reason:
            last = reason
        else:
            return plan
    raise last


def _refuse_unsafe(incident: Incident, plan: Plan) -> None:
    if refused := refusals(plan):
        told(refused, plan, incident, SYSTEM, Source("worker"))
        raise NoPlan(f"The safety rules forbid the fix that was found: {' '.join(refused)}")


def _draft(incident: Incident, diagnosis: Diagnosis | None, plan: Plan, base: Any) -> Proposal:
    model = diagnosis.facts.get("draft_by") if diagnosis and plan.action == "patch_code" else None
    who = {"type": "agent", "id": "model", "name": model} if model else RULES
    with transaction.atomic():
        return insert(incident, plan, base, risk_of(incident, diagnosis, plan), who, [], SYSTEM, Source("worker"))


def risk_of(incident: Incident, diagnosis: Diagnosis | None, plan: Plan) -> tuple[str, str]:
    """How risky, and why."""
    around = Circumstances(
        confidence=float(diagnosis.confidence) if diagnosis else 0.0,
        downstream=incident.downstream_count,
        same_this_week=Incident.objects.filter(
            root_asset=incident.root_asset, subtype=incident.subtype, opened_at__gt=Now() - timedelta(days=7)
        ).count(),
        beside=_beside(incident).count(),
        went_wrong=Proposal.objects.filter(
            incident__root_asset=incident.root_asset,
            action=plan.action,
            status__in=["undone", "failed"],
            status_at__gt=Now() - timedelta(days=30),
        ).exists(),
        rehearsed=any(step.kind == "run" for step in plan.steps),
        is_access_problem=bool(diagnosis and diagnosis.facts.get("subtype") in ACCESS),
    )
    return assessed(plan, around)


def _beside(incident: Incident) -> QuerySet[Incident]:
    """What broke on the same connection at about the same time and was not explained by the same root."""
    hour, at = timedelta(hours=1), incident.opened_at
    others = Incident.objects.filter(connection=incident.connection, opened_at__range=(at - hour, at + hour))
    return others.exclude(pk=incident.pk).exclude(status="resolved").exclude(root_asset=incident.root_asset)


def insert(
    incident: Incident, plan: Plan, base: Any, risk: tuple[str, str], proposer: Any, editors: list[int],
    actor: Actor, source: Source,
) -> Proposal:  # fmt: skip
    newest = incident.proposals.aggregate(newest=Max("number"))["newest"] or 0
    proposal = Proposal.objects.create(
        incident=incident,
        number=newest + 1,
        status="drafted",
        action=riskiest([plan.action, *(step.action for step in plan.steps)]),
        title=plan.title,
        plan=plan.as_json(),
        risk=risk[0],
        risk_reason=risk[1],
        rehearsal=rehearsal_of(plan),
        base=base,
        not_before=plan.window.not_before if plan.window else None,
        proposer=proposer,
        editors=editors,
    )
    proposal.refresh_from_db()
    audit.record(
        "proposal.drafted", proposal, actor=actor, source=source, after="drafted", detail={"action": proposal.action}
    )
    ring_after_commit(NEXT["proposal", "drafted"], proposal.pk)
    return proposal


def back_to_proposing(incident: Incident, actor: Actor, source: Source) -> None:
    if incident.status == "open":
        advance(incident, "diagnosing", actor=actor, source=source, reason="A person had the fix staged again.")
    if incident.status != "proposing" and "proposing" not in MOVES["incident"][incident.status]:
        raise Invalid(f"{incident} is {incident.status.replace('_', ' ')}, so there is nothing to stage for.")
    if incident.status != "proposing":
        advance(incident, "proposing", actor=actor, source=source, reason="A person had the fix staged again.")


def _escalate(incident: Incident, reason: str, commands: tuple[str, ...] = ()) -> None:
    by_hand = f" By hand: {' && '.join(commands)}" if commands else ""
    advance(incident, "escalated", actor=SYSTEM, source="worker", reason=reason + by_hand, commands=list(commands))
