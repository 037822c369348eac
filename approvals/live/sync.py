"""Bring live messages up to date: the card in place, then the lines that its thread lacks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from app.core import audit
from app.core.canonical import sha256
from approvals.live import due, story
from approvals.live.cards import card
from approvals.live.models import LiveLine, LiveMessage
from approvals.live.nonces import armed
from approvals.live.view import view
from integrations.cards import Posted
from integrations.connections import connector
from integrations.errors import Gone, IntegrationError
from integrations.models import Connection
from integrations.ports import LiveMessenger
from integrations.trouble import hindered, well

log = logging.getLogger(__name__)

ROUNDS = 5  # of one message in a row; what changes faster waits for the next bell
LEASE_S = 60  # seconds: above one call to the messenger, and renewed before each
BACKOFF_S = [1, 5, 15, 60, 300]  # seconds after each failure in a row
SWEEPER = 7_402_002  # advisory lock: one sweep at a time, because the next bell for it is two seconds away


def sync(number: int | None = None) -> None:
    """Of incident `number`, or of every incident. Run twice at once, each message is one worker's."""
    teams = due.teams()
    if not teams:
        return
    if number is not None:
        return _all(teams, number)
    with _only_sweeper() as is_mine:
        if is_mine:
            _all(teams, None)


def _all(teams: list[Connection], number: int | None) -> None:
    for team in teams:
        due.begin(team, number)
    for message in due.due(number):
        bring_up(message)


def bring_up(message: LiveMessage) -> None:
    """Until nothing has changed meanwhile. Looks again after it let go, so that no change falls between two workers."""
    for _ in range(ROUNDS):
        if not _hold(message):
            return
        known = due.known(message.incident)
        try:
            _round(message)
        except IntegrationError as error:
            _failed(message, error)
            return
        well(message.connection)
        LiveMessage.objects.filter(pk=message.pk).update(
            told=known, attempts=0, error="", retry_at=None, lease_until=None
        )
        if due.known(message.incident) == known:
            return


def _round(message: LiveMessage) -> None:
    messenger: LiveMessenger = connector(message.connection)
    try:
        _show(message, messenger)
        _tell(message, messenger)
    except Gone as gone:
        if gone.what != "message" or not message.message:
            raise
        # somebody deleted it: what is due is due all the same, in a new one
        _move(message, message="", shown="")
        _show(message, messenger)
        _tell(message, messenger)


def _show(message: LiveMessage, messenger: LiveMessenger) -> None:
    now = view(message.incident.number)
    state, drawn = card(now)
    drawn = armed(drawn, message, now.proposal)
    digest = sha256(asdict(drawn))
    if message.message and digest == message.shown:
        return _move(message, again_at=_again(now.undo_until, now.now))
    _renew(message)
    fields = {"shown": digest, "state": state, "shown_at": Now(), "again_at": _again(now.undo_until, now.now)}
    if message.message:
        messenger.update_card(Posted(message.channel, message.message), drawn)
        return _move(message, **fields)
    posted = messenger.post_card(message.room, drawn)
    with transaction.atomic():
        _move(message, channel=posted.channel, message=posted.id, **fields)
        _record("notice.sent", message)


def _again(at: datetime | None, now: datetime) -> datetime | None:
    return at if at and at > now else None


def _tell(message: LiveMessage, messenger: LiveMessenger) -> None:
    told = list(message.lines.exclude(sent_at=None).values_list("key", flat=True))
    for one in story.lines(message.incident, told):
        row, _ = LiveLine.objects.get_or_create(message=message, key=one.key)
        _renew(message)
        # counted before the call, so that a crash in between is seen
        LiveLine.objects.filter(pk=row.pk).update(attempts=F("attempts") + 1)
        messenger.reply(Posted(message.channel, message.message), one.text, one.links)
        LiveLine.objects.filter(pk=row.pk).update(sent_at=Now())


# --- the row -----------------------------------------------------------------------------------------------------


def _hold(message: LiveMessage) -> bool:
    """One worker at a message at a time: two updates out of order would leave the older card standing."""
    free = LiveMessage.objects.filter(pk=message.pk).filter(Q(lease_until=None) | Q(lease_until__lt=Now()))
    if free.update(lease_until=Now() + timedelta(seconds=LEASE_S)) != 1:
        return False
    message.refresh_from_db(fields=["channel", "message", "shown", "attempts", "room"])
    return True


def _renew(message: LiveMessage) -> None:
    LiveMessage.objects.filter(pk=message.pk).update(lease_until=Now() + timedelta(seconds=LEASE_S))


def _move(message: LiveMessage, /, **fields: Any) -> None:
    LiveMessage.objects.filter(pk=message.pk).update(**fields)
    for name in ("channel", "message", "shown"):
        if name in fields:
            setattr(message, name, fields[name])


def _failed(message: LiveMessage, error: IntegrationError) -> None:
    """What stands in the way of the whole team pauses the whole team; it is said where connections are."""
    pause_s = BACKOFF_S[min(message.attempts, len(BACKOFF_S) - 1)]
    wait_s = BACKOFF_S[-1] if error.permanent else max(error.retry_after_s or 0, pause_s)
    until = Now() + timedelta(seconds=wait_s)
    with transaction.atomic():
        mine = LiveMessage.objects.filter(pk=message.pk)
        mine.update(error=str(error), attempts=F("attempts") + 1, retry_at=until, lease_until=None)
        if error.permanent and not message.attempts:
            _record("notice.failed", message, reason=str(error), outcome="failure")
    hindered(message.connection, error, wait_s)
    if not error.permanent or isinstance(error, Gone):
        LiveMessage.objects.filter(connection=message.connection_id).update(retry_at=until)
    log.warning("%s not shown: %s", message, error.__class__.__name__)


def _record(event: str, message: LiveMessage, *, reason: str = "", outcome: str = "success") -> None:
    detail = {"channel": message.connection.name, "room": message.channel or message.room, "message": message.message}
    audit.record(
        event, message.incident, actor=audit.WORKER, source="worker", reason=reason, outcome=outcome, detail=detail
    )


@contextmanager
def _only_sweeper() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [SWEEPER])
        is_mine = bool(cursor.fetchone()[0])
    try:
        yield is_mine
    finally:
        if is_mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [SWEEPER])
