"""What of the model's answer holds, and what becomes of it beside the conclusion of the rules."""

from __future__ import annotations

import json
from dataclasses import replace

from incidents.agent.answer import Answer, supported
from incidents.agent.draft import NoDraft, draft
from incidents.agent.records import AgentSession
from incidents.case import Case
from incidents.models import ToolCall
from incidents.subtypes import SUBTYPES
from incidents.verdict import Verdict, not_so
from integrations.values import Json

ALONE = 0.6  # the most that is believed of a conclusion which no rule shares
SHOWN = 4_000  # characters of a reading that become evidence


def judge(case: Case, verdict: Verdict | None, answer: Answer, session: AgentSession) -> Verdict | None:
    """The verdict that stands. `session` is told what was kept and dropped, and how it ended; nothing is saved."""
    read = _read(session.nonce)
    claims = supported(answer.claims, set(read))
    others = supported(answer.alternatives, set(read))
    session.kept = len(claims)
    session.dropped = len(answer.claims) + len(answer.alternatives) - len(claims) - len(others)
    if not answer.failure_class or not claims:
        session.outcome = "nothing"
        session.reason = (
            "None of its claims cites what it read." if answer.failure_class else "It could not decide either."
        )
        return verdict
    named = _labelled(case, [*claims, *others], read)
    claims, others = named[: len(claims)], named[len(claims) :]
    if verdict is None:
        session.outcome = "concluded"
        return _own(answer, claims, others, _drafted(case, answer, session))
    if verdict.failure_class != answer.failure_class:
        session.outcome = "dissented"
        session.reason = "The rules' evidence decides otherwise."
        cites = [cite for one in claims for cite in one["cites"]]
        dissent = {
            **not_so(answer.root_cause, "The model says so; what the rules found decides.", *cites),
            "by": "model",
        }
        return replace(verdict, alternatives=[*verdict.alternatives, dissent])
    session.outcome = "agreed"
    return replace(
        verdict,
        claims=[*verdict.claims, *claims],
        alternatives=[*verdict.alternatives, *others],
        facts={**verdict.facts, **_drafted(case, answer, session)},
    )


def _own(answer: Answer, claims: list[Json], others: list[Json], drafted: Json) -> Verdict:
    known = SUBTYPES.get(answer.subtype)
    subtype = answer.subtype if known and known.failure_class == answer.failure_class else ""
    facts = {"subtype": subtype, **drafted}
    confidence = min(answer.confidence, ALONE)
    root_cause = f"The model says: {answer.root_cause}"  # because no rule says so
    return Verdict(answer.failure_class, subtype, root_cause, facts, claims, others, confidence)


def _read(nonce: str) -> dict[str, ToolCall]:
    """By label: what the gateway's own records say was read under this grant."""
    rows = ToolCall.objects.filter(nonce=nonce, ok=True, caller="agent").order_by("pk")
    return {str(row.arguments.get("label")) if row.tool == "evidence" else f"R{row.pk}": row for row in rows}


def _labelled(case: Case, sentences: list[Json], read: dict[str, ToolCall]) -> list[Json]:
    """The readings that are cited become evidence of the incident, under its own numbers."""
    labels: dict[str, str] = {}
    for cite in dict.fromkeys(cite for one in sentences for cite in one["cites"]):
        labels[cite] = _evidence(case, read[cite]) if cite.startswith("R") else cite
    return [{**one, "cites": [labels[cite] for cite in one["cites"]], "by": "model"} for one in sentences]


def _evidence(case: Case, call: ToolCall) -> str:
    asked = ", ".join(f"{name} {json.dumps(value)}" for name, value in call.arguments.items())
    body = {"tool": call.tool, "arguments": call.arguments, "text": call.result[:SHOWN]}
    return case.dossier.add(
        "reading", f"{call.tool}: {asked}" if asked else call.tool, body, "read by the model through the gateway",
        trust="untrusted", call=call.pk,
    )  # fmt: skip


def _drafted(case: Case, answer: Answer, session: AgentSession) -> Json:
    if not answer.patch or answer.failure_class != "code" or not case.code:
        return {}

    def file(path: str) -> str | None:
        found = case.of("read_file", case.code, path=path)
        return str(found.result) if found else None

    try:
        made = draft(answer.patch, file)
    except NoDraft as error:
        session.reason = f"Its patch is left out. {error}"
        return {}
    return {"draft": made.diff, "draft_by": session.model, "draft_why": answer.root_cause[:300]}
