"""A model's second look, where one is configured: it can add, never overrule. Whatever it does, the rules stand."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from app.core.audit import storable
from app.core.errors import Invalid
from app.core.lease import holds
from app.core.models import AuditRecord
from app.core.redact import redact
from incidents import lineage
from incidents.agent import prompts, sandbox
from incidents.agent.answer import Unfit, parsed
from incidents.agent.consult import Heard, consult
from incidents.agent.judge import judge
from incidents.agent.records import AgentSession, AgentStep, ModelCall
from incidents.case import Case
from incidents.evidence import keep
from incidents.models import Diagnosis
from incidents.subtypes import SUBTYPES
from incidents.verdict import Verdict
from integrations.errors import IntegrationError
from integrations.llm import config as models
from integrations.llm.config import ModelConfig

log = logging.getLogger(__name__)

LISTED = 40  # assets that the model is told of
COUNTED = ("agreed", "concluded", "dissented")  # outcomes in which it has a part


@dataclass(frozen=True)
class Opinion:
    """The verdict that stands, and the session that had a part in it; none where no model is configured."""

    verdict: Verdict | None
    session: AgentSession | None = None

    def producer(self, rules: str) -> str:
        if self.session is None or self.session.outcome not in COUNTED:
            return rules
        open_air = ", without a sandbox" if self.session.sandbox == sandbox.OFF else ""
        return f"{rules} and {self.session.model}{open_air}"[:120]

    def belongs_to(self, diagnosis: Diagnosis) -> None:
        if self.session:
            AgentSession.objects.filter(pk=self.session.pk).update(diagnosis=diagnosis)


def refine(case: Case, verdict: Verdict | None, epoch: int) -> Opinion:
    """Ask the model, where there is one and it may. Writes the session; the diagnosis is the caller's."""
    try:
        config = models.current()
    except Invalid as error:
        return _skipped(case, verdict, "", str(error))
    if config is None:
        return Opinion(verdict)
    walls = sandbox.walls()
    if why := walls.refusal or _not_now(case, config):
        return _skipped(case, verdict, config.label, why)
    if not _kept(case, epoch):
        return Opinion(verdict)  # another worker has it now
    sandbox.warmed()
    session = AgentSession(incident=case.incident, model=config.label, sandbox=walls.name)
    session.prompt_hash, session.outcome = prompts.prompt_hash(), "failed"
    try:
        heard = consult(case, config, prompts.rendered("system"), _task(case, verdict))
    except (OSError, IntegrationError) as error:
        session.reason = f"The agent could not be started: {error}"[:500]
        session.save()
        return Opinion(verdict, session)
    return Opinion(_judged(case, verdict, heard, session), session)


def _judged(case: Case, verdict: Verdict | None, heard: Heard, session: AgentSession) -> Verdict | None:
    session.nonce, session.seconds = heard.nonce, heard.seconds
    stands = verdict
    try:
        raw = storable(heard.answer)
    except RecursionError:  # lists within lists: nothing that was asked for
        raw, heard.fault = None, "Its answer is nested too deeply to be read."
    if heard.fault:
        session.reason = _why(heard)
    else:
        try:
            answer = parsed(raw)
        except Unfit as error:
            session.reason = f"Its answer has another shape than was asked for. {error}"
        else:
            session.answer = raw
            stands = judge(case, verdict, answer, session)
    _save(session, heard)
    log.info("%s: %s %s %s", case.incident, session.model, session.outcome, session.reason)
    return stands


def _save(session: AgentSession, heard: Heard) -> None:
    ended = [("fault", session.reason)] if session.outcome == "failed" else []
    with transaction.atomic():
        session.save()
        AgentStep.objects.bulk_create(
            AgentStep(session=session, number=at, kind=kind, text=redact(storable(text)))
            for at, (kind, text) in enumerate([*heard.steps, *ended])
        )


def _why(heard: Heard) -> str:
    """The gateway's own words where a call of the model failed there, else what was heard."""
    failed = ModelCall.objects.filter(nonce=heard.nonce, state="failed").order_by("-pk").first()
    return failed.error if failed and failed.error else heard.fault


def _skipped(case: Case, verdict: Verdict | None, model: str, why: str) -> Opinion:
    made = AgentSession.objects.create(
        incident=case.incident, model=model, prompt_hash=prompts.prompt_hash(), outcome="skipped", reason=why
    )
    return Opinion(verdict, made)


def _not_now(case: Case, config: ModelConfig) -> str:
    incident = case.incident
    if not config.reaches(incident.severity):
        return f"The model is asked from severity {config.floor} upwards."
    last = incident.agent_sessions.exclude(outcome="skipped").order_by("-pk").first()
    recent = incident.agent_sessions.exclude(outcome="skipped").filter(
        at__gt=Now() - timedelta(minutes=config.cooldown_min)
    )
    if last is None or not recent.exists():
        return ""
    asked = AuditRecord.objects.filter(correlation=incident.number, event="incident.rediagnosed", time__gt=last.at)
    return "" if asked.exists() else f"The model was asked less than {config.cooldown_min} minutes ago."


def _kept(case: Case, epoch: int) -> bool:
    """The evidence must be there before it can be read."""
    with transaction.atomic():
        if not holds(case.incident, epoch):
            return False
        keep(case.incident, case.dossier)
    return True


def _task(case: Case, verdict: Verdict | None) -> str:
    classes: dict[str, list[str]] = {}
    for row in SUBTYPES.values():
        classes.setdefault(row.failure_class, []).append(row.name)
    near = [case.root, *lineage.upstream(case.root), *lineage.downstream(case.root)]
    return prompts.rendered(
        "task", incident=case.incident, verdict=verdict, items=case.dossier.items, classes=classes, assets=near[:LISTED]
    )
