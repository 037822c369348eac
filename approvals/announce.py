"""Tell whoever is on call: rows first, so that a crash loses none, then sent from worker-act."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from app.core import audit
from app.core.canonical import sha256
from app.core.models import User
from approvals.asking.link import link as request_link
from approvals.models import Message, Proposal
from incidents.models import Incident
from integrations import registry
from integrations.connections import connector
from integrations.errors import IntegrationError
from integrations.models import Connection
from integrations.ports import Messenger, Wiring
from integrations.values import Notice

log = logging.getLogger(__name__)

FRESH = timedelta(hours=24)  # nothing older is announced: it was, or it is history that was loaded
BATCH = 200
MAX_SENDS = 6
BACKOFF_S = [0, 10, 60, 300, 900, 3600]  # seconds after the row was written, per attempt
SENDER_LOCK = 7_402_001  # advisory: one sender at a time, so that a slow server does not mean two mails
MAIL = "email"


@dataclass(frozen=True)
class Occasion:
    """Something to tell. `key` is the subject and the moment, so that it is told once per channel."""

    key: str
    incident: Incident
    subject: str
    text: str


def announce() -> None:
    """Write the messages that are missing: waiting proposals, half-time reminders, escalated incidents."""
    occasions = [*_waiting(), *_reminders(), *_escalated()]
    channels = _channels() if occasions else []
    rows = [_message(occasion, *channel) for occasion in occasions for channel in channels]
    Message.objects.bulk_create(rows, ignore_conflicts=True)


def send() -> None:
    """Send what waits; each row once, errors kept and tried again with growing pauses."""
    with _only_sender() as is_mine:
        if not is_mine:
            return
        for attempt, wait_s in enumerate(BACKOFF_S[:MAX_SENDS]):
            due = Message.objects.filter(sent_at=None, attempts=attempt).select_related("request")
            for message in due.filter(created_at__lte=Now() - timedelta(seconds=wait_s)).order_by("pk")[:BATCH]:
                _send(message)


# --- what to tell --------------------------------------------------------------------------------------------


def _waiting() -> list[Occasion]:
    rows = Proposal.objects.filter(status="awaiting_decision", status_at__gte=Now() - FRESH)
    return [_proposal(row, "waits", "waits for a decision") for row in rows.select_related("incident")[:BATCH]]


def _reminders() -> list[Occasion]:
    """Half of the time to decide is over."""
    rows = Proposal.objects.filter(status="awaiting_decision", status_at__gte=Now() - FRESH, expires_at__gt=Now())
    half = rows.filter(status_at__lt=Now() - (F("expires_at") - F("status_at")) / 2)
    return [_proposal(row, "reminder", "still waits for a decision") for row in half.select_related("incident")[:BATCH]]


def _escalated() -> list[Occasion]:
    rows = Incident.objects.filter(status="escalated", status_at__gte=Now() - FRESH).select_related("root_asset")
    return [
        Occasion(
            f"incident-{row.pk}-escalated-{int(row.status_at.timestamp())}",
            row,
            f"{row} needs a person: {row.title}",
            f"{row.title}\nAsset: {row.root_asset}\nSeverity: {row.severity}",
        )
        for row in rows.order_by("-status_at")[:BATCH]
    ]


def _proposal(proposal: Proposal, name: str, words: str) -> Occasion:
    incident = proposal.incident
    until = f"{proposal.expires_at:%Y-%m-%d %H:%M} UTC" if proposal.expires_at else "no deadline"
    return Occasion(
        f"proposal-{proposal.pk}-{name}",
        incident,
        f"{incident} {words}: {proposal.title}",
        f"{incident.title}\nProposed: {proposal.title}\nRisk: {proposal.risk}\nDecide until: {until}",
    )


def _channels() -> list[tuple[str, str]]:
    """(connection, to): every person on call by e-mail. A team's channel has a message that stays current instead."""
    people = User.objects.filter(is_active=True, on_call=True).exclude(email="").values_list("email", flat=True)
    return [(MAIL, email) for email in people]


def _message(occasion: Occasion, channel: str, to: str) -> Message:
    return Message(
        key=f"{occasion.key}-{sha256(f'{channel} {to}')[:16]}",
        connection=channel,
        to=to,
        subject=occasion.subject[:300],
        text=occasion.text,
        link=f"{settings.URL}/incidents/{occasion.incident.number}/",
        incident=occasion.incident,
    )


# --- sending -------------------------------------------------------------------------------------------------


def _send(message: Message) -> None:
    """The attempt is counted before the call, so that a crash in between cannot repeat it without end."""
    if (
        Message.objects.filter(pk=message.pk, sent_at=None, attempts=message.attempts).update(
            attempts=F("attempts") + 1
        )
        != 1
    ):
        return
    try:
        _messenger(message.connection).post(Notice(message.to, message.subject, message.text, _link(message)))
    except IntegrationError as error:
        _failed(message, error)
        return
    with transaction.atomic():
        Message.objects.filter(pk=message.pk).update(sent_at=Now(), error="")
        _record("notice.sent", message)


def _link(message: Message) -> str:
    return request_link(message.request) if message.request else message.link


def _failed(message: Message, error: IntegrationError) -> None:
    """Only the last failure goes into the trail; the row shows each."""
    is_last = error.permanent or message.attempts + 1 >= MAX_SENDS
    with transaction.atomic():
        attempts = MAX_SENDS if is_last else message.attempts + 1
        Message.objects.filter(pk=message.pk).update(error=str(error), attempts=attempts)
        if is_last:
            _record("notice.failed", message, reason=str(error), outcome="failure")
    log.warning("message %s not sent: %s", message.pk, error.__class__.__name__)


def _record(event: str, message: Message, *, reason: str = "", outcome: str = "success") -> None:
    detail = {"key": message.key, "channel": message.connection}
    audit.record(
        event, message.incident, actor=audit.WORKER, source="worker", reason=reason, outcome=outcome, detail=detail
    )


def _messenger(name: str) -> Messenger:
    """A connection, or the SMTP settings, which need none."""
    if name == MAIL:
        nothing = Wiring(MAIL, {}, secret=str, peer=str, workspace=Path(settings.DATA_DIR))
        mail: Messenger = registry.load(MAIL)(nothing)
        return mail
    found: Messenger = connector(Connection.objects.get(name=name))
    return found


@contextmanager
def _only_sender() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [SENDER_LOCK])
        is_mine = bool(cursor.fetchone()[0])
    try:
        yield is_mine
    finally:
        if is_mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [SENDER_LOCK])
