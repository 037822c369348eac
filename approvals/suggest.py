"""A person's agent suggests a fix: a proposal in the queue, never more, and not for that person to sign."""

from __future__ import annotations

from dataclasses import replace

from django.db import IntegrityError, transaction

from app.core.audit import Actor, Source
from app.core.errors import Invalid
from app.core.lifecycle import LIVE
from app.core.models import User
from app.core.roles import require
from approvals.grounds import base_of
from approvals.models import Proposal
from approvals.plan import Plan
from approvals.propose import back_to_proposing, database_now, insert, risk_of
from approvals.remedies import REMEDIES
from approvals.remedies.case import Case, NoPlan
from approvals.remedies.patch_code import patch_code
from approvals.restrained import refusals, told
from incidents.models import Diagnosis, Incident
from integrations.errors import IntegrationError


def possible(incident: Incident) -> list[str]:
    """Actions that can be suggested for an incident."""
    return [*dict.fromkeys([*(action for action, _ in REMEDIES.get(incident.subtype, ())), "patch_code"])]


def suggest(
    incident: Incident, action: str, *, why: str, diff: str = "", by: User, actor: Actor, source: Source
) -> Proposal:
    """Draft the proposal and let it be rehearsed. Raises Invalid where it cannot be built, or another one is live."""
    require(by, "incident.work")
    if incident.status == "resolved":
        raise Invalid(f"{incident} is resolved.")
    if incident.proposals.filter(status__in=LIVE).exists():
        raise Invalid("Another proposal of this incident is under way.")
    diagnosis = Diagnosis.objects.filter(incident=incident).order_by("-pk").first()
    plan = _plan(incident, diagnosis, action, why, diff)
    if refused := refusals(plan):
        told(refused, plan, incident, actor, source)
        raise Invalid(f"The safety rules forbid it: {' '.join(refused)}")
    proposer = {"type": "agent", "id": str(by.pk), "name": f"An agent of {by.label}"}
    try:
        base = base_of(plan, incident)
        with transaction.atomic():
            back_to_proposing(incident, actor, source)
            return insert(incident, plan, base, risk_of(incident, diagnosis, plan), proposer, [by.pk], actor, source)
    except (IntegrityError, IntegrationError) as error:
        raise Invalid("It could not be queued: production cannot be read, or another proposal was first.") from error


def _plan(incident: Incident, diagnosis: Diagnosis | None, action: str, why: str, diff: str) -> Plan:
    builders = dict(REMEDIES.get(incident.subtype, ())) | {"patch_code": patch_code}
    if action not in builders:
        raise Invalid(f"Possible here: {', '.join(possible(incident))}.")
    facts = {**(diagnosis.facts if diagnosis else {}), **({"draft": diff} if diff else {})}
    try:
        plan: Plan = builders[action](Case(incident, facts, database_now()))
    except (NoPlan, IntegrationError) as error:
        raise Invalid(str(error)) from error
    return replace(plan, why=why[:1000])
