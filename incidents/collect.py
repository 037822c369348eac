"""Receive and keep; then drain, learn and fold. An acknowledged event is durable, and none blocks the others."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from app.core.canonical import canonical, sha256
from app.core.errors import CountersignError, Invalid
from app.core.tasks import ring_after_commit
from incidents import correlate
from incidents.learned import is_outdated, learn_assets, learn_run
from incidents.models import Event
from incidents.placement import Found, place
from incidents.resolve import by_passing
from integrations import connections
from integrations.errors import IntegrationError, Unsupported
from integrations.models import Connection
from integrations.ports import EventSource, Slimming
from integrations.values import Alert, Json, RunReport, from_json

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5  # times an event is tried; then it stays with its error, and does not stand in the way
DRAIN_LIMIT = 200  # events in one call
BATCH = 50  # events in one transaction
FINGERPRINT_LIMIT = 64  # characters of the column
DRAIN_LOCK = 0x636F6C6C  # advisory lock: one drain at a time keeps the order, and folds without races
SEEN_EVERY = timedelta(seconds=5)  # `last_event_at` is not written more often: senders would queue on that row
UNREAD = "Unread: it was kept, and nothing in it was understood."
OWN = {"run": RunReport, "drift": Alert}  # kinds that we send ourselves
# What a hostile or broken event can raise on its way; each costs that event a try, and nobody else anything.
POISON = (
    IntegrationError, CountersignError, DatabaseError, ValidationError,
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip


def receive(source: Connection, kind: str, payload: Json) -> tuple[Event, bool]:
    """Keep an event, once; durable when the outermost transaction commits. Returns it, and whether it is new.

    Kinds: whatever the connection's connector parses, `run` (a RunReport) and `drift` (an Alert) as JSON.
    Raises Invalid for what is not even shaped as its sender would.
    """
    try:
        fingerprint = _fingerprint(source, kind, payload)
        kept = json.loads(canonical(_slim(source, kind, payload)))
    except (AttributeError, TypeError, LookupError, ValueError) as error:
        raise Invalid(f"This is not what a {kind} sender sends: {error}"[:300]) from None
    with transaction.atomic():
        event, created = Event.objects.get_or_create(
            connection=source, fingerprint=fingerprint, defaults={"kind": kind, "payload": kept}
        )
        stale = Q(last_event_at=None) | Q(last_event_at__lt=Now() - SEEN_EVERY)
        Connection.objects.filter(stale, pk=source.pk).update(last_event_at=Now())
        if created:
            ring_after_commit("incidents.tasks.drain")
    return event, created


def drain(limit: int = DRAIN_LIMIT) -> int:
    """Read up to `limit` waiting events, oldest first; returns how many. Returns 0 while another worker drains."""
    done, last = 0, 0
    while done < limit:
        with transaction.atomic():
            if not _alone():
                return done
            waiting = Event.objects.filter(drained_at=None, attempts__lt=MAX_ATTEMPTS, pk__gt=last).order_by("pk")
            batch = list(
                waiting.select_related("connection").select_for_update(skip_locked=True, of=("self",))[
                    : min(BATCH, limit - done)
                ]
            )
            for event in batch:
                _attempt(event)
        if not batch:
            return done
        done, last = done + len(batch), batch[-1].pk
    return done


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [DRAIN_LOCK])
        return bool(cursor.fetchone()[0])


def _attempt(event: Event) -> None:
    """Absorb one event in a savepoint, so that what it breaks is its own."""
    row = Event.objects.filter(pk=event.pk)
    try:
        with transaction.atomic():
            understood = _absorb(event)
            row.update(drained_at=Now(), error="" if understood else UNREAD)
    except POISON as error:
        log.warning("event %s of %s: %s", event.pk, event.connection, error.__class__.__name__)
        row.update(attempts=F("attempts") + 1, error=f"{error.__class__.__name__}: {error}"[:2000])


def _absorb(event: Event) -> int:
    """Learn what the event says and put its problems where they belong; returns how many things it said."""
    said = _read(event)
    for item in said:
        if isinstance(item, RunReport):
            _absorb_run(event, item)
        else:
            _absorb_alert(event, item)
    return len(said)


def _absorb_run(event: Event, report: RunReport) -> None:
    learned = learn_run(event.connection, report)
    run, known = learned.run, learned.report
    problems = correlate.problems_of_run(known) if learned.ended or report.results else ()
    touched, passed = set[int](), correlate.passed_by(known)
    if problems and not is_outdated(run):
        touched = place(Found(event, problems, learned.ids, run, passed))
    by_passing(passed, at=run.started_at or event.received_at, but=touched, event=event)
    if learned.ended and run.status == "success" and run.environment == "production":
        ring_after_commit("incidents.tasks.detect", run.pk)


def _absorb_alert(event: Event, alert: Alert) -> None:
    ids = learn_assets((), [alert.asset])
    if problem := correlate.problem_of_alert(alert, event.connection_id):
        place(Found(event, [problem], ids))
    elif alert.status == "resolved" and alert.environment == "production":
        key = correlate.check_key(event.connection_id, alert.fingerprint)
        by_passing({key}, at=event.received_at, but=set(), event=event)


def _read(event: Event) -> tuple[RunReport | Alert, ...]:
    if event.kind in OWN:
        return (from_json(OWN[event.kind], event.payload),)
    return _connector(event.connection).parse(event.kind, event.payload)


def _fingerprint(source: Connection, kind: str, payload: Json) -> str:
    if kind in OWN:
        return sha256([kind, payload])
    found = _connector(source).fingerprint(kind, payload)
    return found if len(found) <= FINGERPRINT_LIMIT else sha256(found)


def _slim(source: Connection, kind: str, payload: Json) -> Json:
    built = None if kind in OWN else _connector(source)
    return built.slim(kind, payload) if isinstance(built, Slimming) else payload


def _connector(source: Connection) -> EventSource:
    built: Any = connections.connector(source)
    if not isinstance(built, EventSource):
        raise Unsupported(f"A connection of kind {source.kind} takes no events.")
    return built
