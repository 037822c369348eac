"""The audit trail: what may be recorded, and the one function that records it. Sealing is in `seal.py`."""

from __future__ import annotations

import hashlib
import hmac
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection, models

from app.core.canonical import canonical
from app.core.models import AuditRecord, User
from app.core.tasks import ring_after_commit

VERSION = "0.2.0"
HERE = {"app_version": VERSION, "host": socket.gethostname()}

# name -> (label, the sentence that the trail shows; past tense; `{subject}` and keys of detail may stand in it)
EVENTS: dict[str, tuple[str, str]] = {
    # incidents
    "incident.open": ("Opened", "{subject} was opened"),
    "incident.diagnosing": ("Diagnosing", "Diagnosis of {subject} began"),
    "incident.proposing": ("Diagnosed", "{subject} was diagnosed; a fix is looked for"),
    "incident.awaiting_decision": ("Awaiting decision", "{subject} waits for a decision"),
    "incident.fixing": ("Fixing", "The signed fix of {subject} began"),
    "incident.validating": ("Validating", "Production is checked after the fix of {subject}"),
    "incident.watching": ("Watching", "{subject} waits for its window"),
    "incident.waiting_on_person": ("Waiting on a person", "{subject} waits for a person's answer"),
    "incident.escalated": ("Escalated", "{subject} was handed to people"),
    "incident.resolved": ("Resolved", "{subject} was resolved"),
    "incident.event_joined": ("Event grouped", "An event joined {subject}"),
    "incident.assigned": ("Assigned", "{subject} was assigned"),
    "incident.commented": ("Commented", "A comment was made on {subject}"),
    "incident.rediagnosed": ("Diagnosis asked for", "A person asked for a new diagnosis of {subject}"),
    # proposals
    "proposal.drafted": ("Drafted", "{subject} was drafted"),
    "proposal.staging": ("Staging", "Staging of {subject} began"),
    "proposal.verifying": ("Staged", "{subject} was staged; its report is computed"),
    "proposal.awaiting_decision": ("Verified", "{subject} was verified and waits for signatures"),
    "proposal.verification_failed": ("Verification failed", "{subject} has a red check and cannot be signed"),
    "proposal.approved": ("Approved", "{subject} has its last signature"),
    "proposal.rejected": ("Rejected", "{subject} was rejected"),
    "proposal.changes_requested": ("Changes requested", "Changes to {subject} were asked for"),
    "proposal.expired": ("Expired", "{subject} expired unsigned"),
    "proposal.superseded": ("Superseded", "{subject} was superseded"),
    "proposal.blocked": ("Blocked", "The safety rules blocked {subject}"),
    "plan.refused": ("Plan refused", "The safety rules refused a plan for {subject}"),
    "proposal.executing": ("Executing", "{subject} is carried out"),
    "proposal.validating": ("Published", "{subject} was published; production is checked"),
    "proposal.done": ("Done", "{subject} was carried out and checked"),
    "proposal.failed": ("Failed", "{subject} failed"),
    "proposal.undone": ("Undone", "{subject} was taken back"),
    # decisions, executions
    "decision.approve": ("Signed", "{subject} was signed"),
    "decision.reject": ("Rejected", "{subject} was rejected"),
    "decision.request_changes": ("Changes requested", "Changes to {subject} were asked for"),
    "decision.withdraw": ("Withdrawn", "A signature on {subject} was withdrawn"),
    "decision.denied": ("Decision refused", "A decision on {subject} was refused"),
    "execution.void": ("Approval void", "The approval of {subject} was void: {field} changed"),
    "execution.intent": ("Step began", "A step of {subject} began"),
    "execution.receipt": ("Step ended", "A step of {subject} ended"),
    "execution.stopped": ("Stopped", "The execution of {subject} stopped"),
    "undo.asked": ("Undo asked", "Undo of {subject} was asked for"),
    "undo.denied": ("Undo refused", "Undo of {subject} was refused"),
    "request.sent": ("Request sent", "A person was asked, for {subject}"),
    "request.reminded": ("Reminded", "{to} was reminded, for {subject}"),
    "request.answered": ("Request answered", "{to} answered “{answer}”, for {subject}"),
    "request.unproved": ("Not done yet", "{to} was told what is still wrong, for {subject}"),
    "request.closed": ("Request closed", "What {to} was asked is over: {outcome}, for {subject}"),
    "notice.sent": ("Notice sent", "A notice about {subject} was sent"),
    "notice.failed": ("Notice failed", "A notice about {subject} could not be sent"),
    # detectors
    "detector.muted": ("Detector muted", "A detector of {subject} was muted until {until}: {check}"),
    "detector.unmuted": ("Detector unmuted", "A detector of {subject} speaks again: {check}"),
    "detector.taught": ("Called usual", "What {subject} found is usual from now on"),
    "detector.unlearned": ("No longer usual", "What was called usual for {subject} was taken back: {check}"),
    # doors, people, settings
    "connection.created": ("Connection created", "Connection {subject} was created"),
    "connection.changed": ("Connection changed", "Connection {subject} was changed"),
    "connection.disabled": ("Connection disabled", "Connection {subject} was disabled"),
    "connection.key_rotated": ("Key rotated", "The key of connection {subject} was replaced"),
    "connection.tested": ("Connection tested", "Connection {subject} was tested"),
    "door.denied": ("Delivery refused", "A delivery was refused at the door"),
    "person.created": ("Person added", "{subject} was added"),
    "person.changed": ("Person changed", "{subject} was changed"),
    "person.disabled": ("Person disabled", "{subject} was disabled"),
    "person.link_made": ("Password link made", "A link to choose a password as {subject} was made"),
    "person.password_chosen": ("Password chosen", "{subject} chose a password"),
    "person.signed_in": ("Signed in", "{subject} signed in"),
    "person.sign_in_failed": ("Sign-in failed", "A sign-in as {subject} failed"),
    "person.signed_out": ("Signed out", "{subject} signed out"),
    "person.sessions_ended": ("Sessions ended", "{subject} ended sessions of theirs: {count}"),
    "person.stepped_up": ("Stepped up", "{subject} showed again who they are"),
    "person.step_up_failed": ("Step-up failed", "A step-up as {subject} failed"),
    "person.second_factor_set": ("Second factor set up", "{subject} set up a second factor"),
    "person.second_factor_removed": ("Second factor removed", "{subject} removed their second factor"),
    "person.second_factor_reset": ("Second factor reset", "The second factor of {subject} was reset"),
    "person.recovery_codes_made": ("Recovery codes made", "{subject} made new recovery codes"),
    "person.identity_linked": ("Identity linked", "{subject} signs in at {issuer} from now on"),
    "person.identity_unlinked": ("Identity unlinked", "{subject} no longer signs in at {issuer}"),
    "sign_in.changed": ("Sign-in rules changed", "Of whom a second factor is demanded was changed"),
    "account.linked": ("Account linked", "{subject} linked the account {account} of {team} to themselves"),
    "account.unlinked": ("Account unlinked", "The account {account} of {team} is {subject}'s no more"),
    "token.created": ("Token created", "Token {subject} was created"),
    "token.revoked": ("Token revoked", "Token {subject} was revoked"),
    "tool.quarantined": ("Tool changed", "{subject} reads differently; agents do not get it until a person looks"),
    "tool.trusted": ("Tool trusted", "A person looked at the changed definition of {subject}"),
    "access.denied": ("Access refused", "Access to {subject} was refused"),
    "policy.proposed": ("Policy proposed", "{subject} was proposed"),
    "policy.signed": ("Policy signed", "{subject} was signed and is in force, in the place of version {replaces}"),
    "policy.refused": ("Policy refused", "{subject} was refused or taken back"),
    "policy.denied": ("Signature refused", "A signature under {subject} was refused"),
    "kill_switch.on": ("Stopped all", "Executions were stopped"),
    "kill_switch.off": ("Resumed", "Executions were resumed"),
    "freeze.declared": ("Freeze declared", "A time was declared in which nothing starts, for {scope}: {when}"),
    "freeze.ended": ("Freeze ended", "A freeze for {scope} was taken away"),
    "knowledge.annotated": ("Note written", "A note on {subject} was written"),
    "knowledge.written": ("Entry written", "The entry {subject} was written"),
    "knowledge.drafted": ("Entry drafted", "The entry {subject} was drafted from what happened"),
    "knowledge.changed": ("Entry changed", "The entry {subject} was changed: version {version}"),
    "knowledge.signed": ("Entry signed", "The entry {subject} was signed: version {version}"),
    "knowledge.archived": ("Entry archived", "The entry {subject} was archived"),
    "knowledge.restored": ("Entry restored", "The entry {subject} was brought back as a draft"),
    "knowledge.imported": ("Entry imported", "The entry {subject} was imported from {origin}"),
    "knowledge.reminded": ("Review asked", "The owner of {subject} was asked to review it"),
    "signature.written": ("Signature written", "The signature {subject} was written"),
    "signature.changed": ("Signature changed", "The signature {subject} was changed: version {version}"),
    "signature.archived": ("Signature archived", "The signature {subject} was archived"),
    "signature.restored": ("Signature taken back", "The signature {subject} is in use again"),
    "audit.exported": ("Trail exported", "The audit trail was exported"),
}


# Chapters of an incident's story: whoever shows it elsewhere is rung for each. What is left out comes in floods.
STORY = ("incident.", "proposal.", "decision.", "execution.", "undo.")
UNTOLD = {"incident.event_joined", "decision.denied", "undo.denied", "execution.intent"}
TELLER = "approvals.tasks.live"


@dataclass(frozen=True)
class Actor:
    """Who did it. `type` is human, service or agent."""

    id: str
    name: str
    type: str = "human"
    roles: tuple[str, ...] = ()
    session: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "type": self.type, "roles": list(self.roles)}

    @classmethod
    def of(cls, user: User, session: dict[str, Any] | None = None) -> Actor:
        return cls(str(user.pk), user.label, "human", tuple(user.roles), session or {})


SYSTEM = Actor("system", "System", "service")
WORKER = Actor("worker", "Worker", "service")


@dataclass(frozen=True)
class Source:
    """Through which door: web, api, slack, schedule, worker, agent, command."""

    door: str
    ip: str = ""
    user_agent: str = ""
    # What else the door knows of where it came from: slack_team, slack_user, slack_channel, slack_message.
    via: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, str]:
        return {"door": self.door, "ip": self.ip, "user_agent": self.user_agent[:200], **self.via}


def record(
    event: str,
    subject: models.Model | str,
    *,
    actor: Actor,
    source: str | Source,
    reason: str = "",
    before: str = "",
    after: str = "",
    outcome: str = "success",
    error_code: str = "",
    fingerprint: str = "",
    correlation: int | None = None,
    detail: dict[str, Any] | None = None,
) -> AuditRecord:
    """Write one record in the caller's transaction; raises KeyError for an unknown event, so that nothing happens.

    `correlation` is the incident's number; a subject that has `incident_number` need not be told.
    """
    _ = EVENTS[event]
    row = AuditRecord(
        time=_database_now(),
        event=event,
        outcome=outcome,
        severity="info" if outcome == "success" else "warning",
        error_code=error_code,
        actor=storable(actor.as_json()),
        session=storable(actor.session),
        source=storable((source if isinstance(source, Source) else Source(source)).as_json()),
        **_about(subject, correlation, fingerprint),
        reason=storable(reason),
        before=before,
        after=after,
        detail=storable(detail or {}),
        **HERE,
    )
    row.mac = mac(vars(row))
    row.save(force_insert=True)
    _tell(row)
    return row


def _tell(row: AuditRecord) -> None:
    if row.correlation is not None and row.event.startswith(STORY) and row.event not in UNTOLD:
        ring_after_commit(TELLER, row.correlation)


def sentence(row: AuditRecord) -> str:
    """What happened, in one sentence; a key that the detail lacks stays visible as `?`."""
    words = EVENTS.get(row.event, ("", row.event))[1]
    return words.format_map(_Words(row.detail, subject=row.subject.get("name", "")))


class _Words(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


# Every column of a record but its id and mac; the order does not matter, canonical JSON sorts.
FIELDS = [f.attname for f in AuditRecord._meta.concrete_fields if f.attname not in {"id", "mac"}]


def content(values: Mapping[str, Any]) -> bytes:
    """The canonical bytes of a record that its mac and its seal cover; `values` has every name of FIELDS."""
    return canonical({name: values[name] for name in FIELDS})


def mac(values: Mapping[str, Any]) -> str:
    return hmac.new(settings.AUDIT_KEY.encode(), content(values), hashlib.sha256).hexdigest()


def _about(subject: models.Model | str, correlation: int | None, fingerprint: str) -> dict[str, Any]:
    return {
        "subject": storable(_subject(subject)),
        "correlation": getattr(subject, "incident_number", None) if correlation is None else correlation,
        "fingerprint": storable(fingerprint or getattr(subject, "fingerprint", "") or ""),
    }


def _subject(subject: models.Model | str) -> dict[str, str]:
    if isinstance(subject, str):
        return {"type": "name", "id": subject, "name": subject}
    return {"type": subject._meta.model_name or "", "id": str(subject.pk), "name": str(subject)}


def storable(value: Any) -> Any:
    """The value as jsonb gives it back, because the mac must hold after a round trip."""
    if isinstance(value, Mapping):
        return {str(key): storable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [storable(part) for part in value]
    if isinstance(value, float):
        return value if abs(value) < 1e15 else str(value)  # jsonb turns 1e16 into a whole number; NaN is refused
    if value is None or isinstance(value, bool | int):
        return value
    return str(value).replace("\0", "␀").encode(errors="replace").decode()  # no NUL and no half of a surrogate


def _database_now() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
