"""What a person's own agent may ask: a few whole answers, and one thing to hand in."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.urls import reverse

from app.core.audit import Actor, Source
from app.core.errors import Invalid, NotAllowed
from app.core.models import ApiToken
from app.core.roles import require
from app.gateway.record import Answer
from approvals.models import Proposal
from approvals.suggest import possible, suggest
from incidents import lineage, queries
from incidents.models import Asset, Evidence, Incident, Run
from integrations.values import Json
from knowledge import rule
from knowledge.recall import recall

MOST = 20  # incidents, assets or runs of one answer


def answer(token: ApiToken, name: str, arguments: Json) -> Answer:
    """Raises a CountersignError where the token's person may not, or something is not there."""
    require(token.user, "incident.read")
    match name:
        case "whats_broken":
            return Answer.of([_line(one) for one in _open()])
        case "diagnose":
            return Answer.of(_told(_incident(arguments)))
        case "context":
            return Answer.of(_context(token, str(arguments["asset"])))
        case "search_knowledge":
            return Answer.of(_notes(token, rule.Case(text=str(arguments["query"]))))
        case "propose_fix":
            return Answer.of(_proposed(token, arguments))
    raise Invalid("There is no such tool.")


def incident_of(arguments: Json) -> int | None:
    """The key of the incident that a call names, for its record."""
    number = arguments.get("incident")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**62:
        return None
    return Incident.objects.filter(number=number).values_list("pk", flat=True).first()


def _open() -> list[Incident]:
    rows = Incident.objects.exclude(status="resolved").select_related("root_asset")
    return list(rows.order_by(queries.RANK, "-opened_at")[:MOST])


def _line(incident: Incident) -> Json:
    return {
        "incident": incident.number,
        "title": incident.title,
        "status": incident.status,
        "severity": incident.severity,
        "class": incident.failure_class,
        "asset": incident.root_asset.ref.uri,
        "opened_at": incident.opened_at.isoformat(),
    }


def _incident(arguments: Json) -> Incident:
    try:
        return queries.find(int(arguments["incident"]))
    except Incident.DoesNotExist as error:
        raise Invalid("There is no such incident.") from error


def _told(incident: Incident) -> Json:
    diagnosis = queries.diagnosis_of(incident)
    proposal = Proposal.objects.filter(incident=incident).order_by("-number").first()
    known: Json = {}
    if diagnosis:
        names = ("failure_class", "subtype", "root_cause", "claims", "alternatives", "inconclusive", "produced_by")
        known = {name: getattr(diagnosis, name) for name in names} | {"confidence": float(diagnosis.confidence)}
    return {
        **_line(incident),
        "diagnosis": known,
        "evidence": [_evidence(one) for one in queries.evidence_of(incident)],
        "proposal": proposal and {"action": proposal.action, "title": proposal.title, "status": proposal.status},
        "possible_actions": possible(incident),
        "page": reverse("incident", args=[incident.number], urlconf="app.urls"),
    }


def _evidence(one: Evidence) -> Json:
    return {"label": one.label, "kind": one.kind, "title": one.title, "trust": one.trust, "body": one.body}


def _context(token: ApiToken, name: str) -> Json:
    found = _asset(name)
    runs = Run.objects.filter(Q(job=found) | Q(outputs__contains=[found.pk])).order_by("-started_at")[:MOST]
    return {
        "asset": found.ref.uri,
        "kind": found.kind,
        "description": found.description[:2000],
        "owner": found.owner,
        "columns": found.columns,
        "upstream": [one.ref.uri for one in lineage.upstream(found)[:MOST]],
        "downstream": [one.ref.uri for one in lineage.downstream(found)[:MOST]],
        "runs": [{"run": one.external_id, "status": one.status, "at": str(one.started_at or "")} for one in runs],
        "incidents": [_line(one) for one in found.incidents.select_related("root_asset").order_by("-number")[:MOST]],
        "notes": _notes(token, rule.Case(assets={found.name: 0, found.ref.uri: 0})),
    }


def _asset(name: str) -> Asset:
    exact = Asset.objects.filter(name=name).order_by("pk").first()
    last = Asset.objects.filter(name=name.rpartition("/")[2])
    named = exact or next((one for one in last if one.ref.uri == name), None)
    if named is None:
        near = Asset.objects.filter(name__icontains=name).values_list("name", flat=True)[:5]
        raise Invalid(f"There is no asset of this name. Near: {', '.join(near) or 'none'}.")
    return named


def _notes(token: ApiToken, case: rule.Case) -> list[Json]:
    """Those that the token's person may read."""
    hits = recall(case, token.user)
    return [{"title": hit.entry.title, "text": hit.entry.body, "why": hit.why} for hit in hits]


def _proposed(token: ApiToken, arguments: Json) -> Any:
    if "propose" not in token.scopes:
        raise NotAllowed("This token may not propose.")
    actor = Actor(str(token.user.pk), f"An agent of {token.user.label}", "agent", tuple(token.user.roles))
    made = suggest(
        _incident(arguments), str(arguments["action"]), why=str(arguments["why"]), diff=str(arguments.get("diff", "")),
        by=token.user, actor=actor, source=Source("agent"),
    )  # fmt: skip
    said = "Queued. It is rehearsed first; then people other than your own person sign it, or not."
    return {"proposal": made.number, "incident": made.incident.number, "status": made.status, "note": said}
