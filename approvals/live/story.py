"""The story in the thread: each chapter of the audit trail as one line, with links to what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings

from app.core.models import AuditRecord
from approvals.decide import REASONS
from approvals.live.view import line
from approvals.models import Decision, Proposal
from approvals.report_page import summary
from incidents.models import Comment, Diagnosis, Incident

MOST = 40  # newest chapters of one look: a thread that begins late does not flood the room
CITED = 8  # links to evidence under a diagnosis
CLAIMS = 3  # sentences of a diagnosis; the rest is on the page


@dataclass(frozen=True)
class Line:
    key: int  # the audit record that it tells
    text: str
    links: tuple[tuple[str, str], ...] = ()


def lines(incident: Incident, told: Sequence[int]) -> list[Line]:
    """What the thread lacks, oldest first; `told` are the keys that it has. Since the incident was last opened."""
    trail = AuditRecord.objects.filter(correlation=incident.number).order_by("pk")
    opened = trail.filter(event="incident.open").values_list("pk", flat=True).last() or 0
    fresh = trail.filter(event__in=list(TELL), pk__gte=opened).exclude(pk__in=list(told)).order_by("-pk")[:MOST]
    made = [(row, TELL[row.event](incident, row)) for row in reversed(fresh)]
    return [Line(row.pk, found.text, found.links) for row, found in made if found.text]


@dataclass(frozen=True)
class Said:
    text: str = ""
    links: tuple[tuple[str, str], ...] = ()


NOTHING = Said()


def _page(incident: Incident, at: str = "") -> str:
    return f"{settings.URL}/incidents/{incident.number}/{at}"


def _opened(incident: Incident, row: AuditRecord) -> Said:
    where = f"Root asset {line(incident.root_asset, 200)}, severity {incident.severity}."
    return Said(f"{'Opened again' if incident.reopened else 'Opened'}. {where} Reading logs, lineage and runs.")


def _diagnosed(incident: Incident, row: AuditRecord) -> Said:
    found = Diagnosis.objects.filter(pk=row.detail.get("diagnosis") or 0, incident=incident).first()
    if found is None:
        return Said(f"Needs a person. {line(row.reason)}") if row.event == "incident.escalated" else NOTHING
    labels = list(dict.fromkeys(label for claim in found.claims for label in claim.get("cites", [])))[:CITED]
    links = tuple((label, _page(incident, f"#{label}")) for label in labels)
    if found.inconclusive:
        return Said(f"Inconclusive. {line(found.root_cause)}", links)
    claims = [_claim(claim) for claim in found.claims[:CLAIMS]]
    kind = " / ".join(word for word in (found.failure_class, found.subtype.replace("_", " ")) if word)
    return Said("\n".join([f"Diagnosed as {kind}, confidence {found.confidence}.", *claims]), links)


def _claim(claim: dict[str, object]) -> str:
    cites = claim.get("cites")
    said = line(claim.get("text"), 400).removesuffix(".")
    model = "The model: " if claim.get("by") == "model" else ""
    cited = f" [{', '.join(str(label) for label in cites)}]" if isinstance(cites, list) and cites else ""
    return f"• {model}{said}{cited}."


def _verified(incident: Incident, row: AuditRecord) -> Said:
    proposal = _proposal(row)
    if proposal is None:
        return NOTHING
    checks, rule = summary(proposal), line(proposal.policy.get("rule"), 200)
    counted = f"passed {checks['good']} of {checks['of']} checks" if checks.get("of") else "has no checks"
    asks = f" {rule}." if rule else ""
    return Said(f"Proposal {proposal.number} {counted}: {line(proposal.title, 300)}.{asks}", _report(incident))


def _red(incident: Incident, row: AuditRecord) -> Said:
    proposal = _proposal(row)
    number = proposal.number if proposal else "?"
    return Said(f"Proposal {number} failed its rehearsal. {line(row.reason)}", _report(incident))


def _report(incident: Incident) -> tuple[tuple[str, str], ...]:
    return (("Report", _page(incident, "#proposal")),)


def _signed(incident: Incident, row: AuditRecord) -> Said:
    made = _decision(row)
    if made is None:
        return NOTHING
    given = made.proposal.decisions.filter(decision="approve", withdrawn_at=None, pk__lte=made.pk).count()
    quorum = max(int(made.proposal.policy.get("quorum", 1)), 1)
    said = f" {line(made.comment)}" if made.comment else ""
    return Said(f"{line(made.by.label, 80)} signed{_door(made)}, {given} of {max(quorum, given)}.{said}")


def _withdrew(incident: Incident, row: AuditRecord) -> Said:
    made = _decision(row)
    return Said(f"{line(made.by.label, 80)} withdrew the signature{_door(made)}.") if made else NOTHING


def _rejected(incident: Incident, row: AuditRecord) -> Said:
    made = _decision(row)
    if made is None:
        return NOTHING
    said = f" {line(made.comment)}" if made.comment else ""
    return Said(f"{line(made.by.label, 80)} rejected it{_door(made)}: {REASONS.get(made.reason, made.reason)}.{said}")


def _changes(incident: Incident, row: AuditRecord) -> Said:
    made = _decision(row)
    words = f"{line(made.by.label, 80)} asked for changes{_door(made)}: {line(made.comment)}" if made else ""
    return Said(words)


def _door(made: Decision) -> str:
    return {"web": " in the console", "slack": " in Slack", "api": " through the API"}.get(made.door, "")


def _step(incident: Incident, row: AuditRecord) -> Said:
    how = {"done": "done", "failed": "failed", "skipped": "skipped"}.get(str(row.detail.get("status")), "ended")
    undo = "Undo step" if str(row.subject.get("name", "")).endswith("undo") else "Step"
    return Said(f"{undo} {row.detail.get('step')}: {line(row.detail.get('title'), 300)}, {how}.")


def _reason(words: str) -> Callable[[Incident, AuditRecord], Said]:
    def tell(incident: Incident, row: AuditRecord) -> Said:
        return Said(f"{words} {line(row.reason)}".strip())

    return tell


def _resolved(incident: Incident, row: AuditRecord) -> Said:
    why = str(row.detail.get("resolution", "")).replace("_", " ")
    return Said(f"Resolved: {why or 'done'}. {line(row.reason)}", (("What did the system not know?", _page(incident)),))


def _commented(incident: Incident, row: AuditRecord) -> Said:
    """What was written here needs no telling here."""
    found = Comment.objects.filter(pk=row.detail.get("comment") or 0).select_related("author").first()
    if found is None or row.source.get("door") == "slack":
        return NOTHING
    return Said(f"{line(found.author.label, 80)}: {line(found.text, 1_500)}")


def _assigned(incident: Incident, row: AuditRecord) -> Said:
    return Said(f"Assigned to {line(row.after, 80)}." if row.after else "Nobody is assigned any more.")


TELL: dict[str, Callable[[Incident, AuditRecord], Said]] = {
    "incident.open": _opened,
    "incident.proposing": _diagnosed,
    "incident.escalated": _diagnosed,
    "incident.assigned": _assigned,
    "incident.commented": _commented,
    "incident.watching": _reason("Signed. It starts in its window."),
    "incident.waiting_on_person": _reason("A person was asked."),
    "incident.resolved": _resolved,
    "proposal.awaiting_decision": _verified,
    "proposal.verification_failed": _red,
    "proposal.expired": _reason("The proposal expired."),
    "proposal.superseded": _reason("The proposal can no longer be signed."),
    "proposal.blocked": _reason("The safety rules blocked the proposal."),
    "proposal.failed": _reason("Carrying it out failed."),
    "proposal.done": _reason("Carried out and checked in production."),
    "proposal.undone": _reason("Taken back: production is as it was before."),
    "decision.approve": _signed,
    "decision.reject": _rejected,
    "decision.request_changes": _changes,
    "decision.withdraw": _withdrew,
    "execution.receipt": _step,
    "execution.void": _reason("The approval was void."),
    "execution.stopped": _reason("The execution stopped."),
    "undo.asked": _reason("Undo was asked for."),
}


def _proposal(row: AuditRecord) -> Proposal | None:
    wanted = row.subject.get("id", "0") if row.subject.get("type") == "proposal" else "0"
    return Proposal.objects.select_related("report").filter(pk=int(wanted)).first()


def _decision(row: AuditRecord) -> Decision | None:
    return Decision.objects.select_related("by", "proposal").filter(pk=row.detail.get("decision") or 0).first()
