"""A job that ran in a cluster: what became of its pods, read there. A note may name the header that the call needs."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.redact import redact
from incidents.case import Case
from incidents.classify import classify
from incidents.history import History
from incidents.knowing import asked
from incidents.verdict import Verdict, claim, code
from integrations import connections
from integrations.models import Connection
from integrations.registry import CONNECTORS
from integrations.values import Json
from knowledge.hints import Header
from knowledge.recall import recall

LINES = 60  # of the pod's log that are kept
SURE = 0.6  # below it what the pod says decides nothing


@dataclass(frozen=True)
class Named:
    """The header that a note names, and the note."""

    entry: int
    hint: Header


def pod(case: Case, history: History) -> Verdict | None:
    runner, job = case.runner, case.job
    if runner is None or job is None or "Workloads" not in CONNECTORS[runner.kind].ports or not case.incident.run:
        return None
    named = header(case, runner)
    reading = case.of("workload", runner.name, name=job.name, **({"note": named.entry} if named else {}))
    if reading is None:
        case.asks.append(_ask(case, runner))
        return None
    found = _covered(reading.result)
    title = f"{job.name} in the cluster: {_state(found)}"
    label = case.dossier.add("workload", title, _body(found, named), f"pods of {job.name}", trust="untrusted",
                             call=reading.call)  # fmt: skip
    return _concluded(job.name, found, named, label)


def header(case: Case, runner: Connection) -> Named | None:
    """What a note whose rule holds here says of calls to the runner's host; the best note first."""
    host = connections.host(runner)
    for hit in recall(asked(case, case.root)) if host else ():
        for hint in hit.hints:
            if hit.applies and isinstance(hint, Header) and hint.host.lower() == host:
                return Named(hit.entry.pk, hint)
    return None


def _concluded(job: str, found: Json, named: Named | None, label: str) -> Verdict | None:
    said = classify(_text(found), tool="kubernetes")
    if said.match is None or said.subtype is None or said.confidence < SURE:
        return None
    stuck = {one["name"]: one["uid"] for one in found["pods"] if one["is_stuck"]}
    which = next(iter(stuck), "") or (found["pods"][-1]["name"] if found["pods"] else "")
    facts: Json = {"pod": which, "stuck": stuck, "signature": said.match.signature.id}
    if named:
        facts["read_with"] = {"entry": named.entry, "header": named.hint.name, "evidence": label}
    claims = [claim(f"The cluster says of {code(which)}: “{said.match.text.strip()[:200]}”", label)]
    if stuck:
        claims.append(claim(f"{code(which)} does not end by itself and is in the way of the next try.", label))
    text = f"{said.match.signature.means} {job} stopped there: its pod {which} is {_state(found)}."
    return Verdict(said.failure_class, said.subtype.name, text, facts, claims, [], min(said.confidence, 0.9))


def _covered(found: Json) -> Json:
    pods = [{**one, "reason": redact(one["reason"]), "message": redact(one["message"])} for one in found["pods"]]
    return {**found, "pods": pods, "log": redact(found["log"])}


def _state(found: Json) -> str:
    stuck = [one for one in found["pods"] if one["is_stuck"]]
    if stuck:
        return f"stuck ({stuck[0]['reason'] or stuck[0]['phase']})"
    return str(found["state"])


def _body(found: Json, named: Named | None) -> Json:
    lines = str(found["log"]).splitlines()
    kept = [{"n": n, "text": text} for n, text in enumerate(lines, 1)][-LINES:]
    return {"state": found["state"], "pods": found["pods"], "lines": kept, "total": len(lines),
            "header": named.hint.name if named else ""}  # fmt: skip


def _text(found: Json) -> str:
    told = [f"{one['reason']}: {one['message']}" for one in found["pods"] if one["reason"] or one["message"]]
    return "\n".join([*told, str(found["log"])])


def _ask(case: Case, runner: Connection) -> str:
    """Whom to ask for what could not be read."""
    owner = case.job.owner if case.job else {}
    who = " ".join(
        part for part in (owner.get("name", ""), f"<{owner['email']}>" if owner.get("email") else "") if part
    )
    said = case.unread[-1].partition(": ")[2] if case.unread else ""
    return (
        f"What became of it in {runner.name} could not be read. {said} No note says how. Ask {who or 'its owner'} "
        "which key the cluster wants and under which header, and write it down: the next diagnosis reads it."
    )
