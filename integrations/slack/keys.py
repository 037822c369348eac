"""Signing secrets of the connections that Slack calls, kept in memory: a door cannot wait for a slow database."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from django.db import Error, connection
from django.utils import timezone

from app.core.errors import CountersignError
from app.core.inbound import unseal
from integrations.models import InboundSecret

FRESH_S = 2.0  # older ones are looked up again, beside the answer
OLD_S = 10.0  # older ones are not used, unless the database does not answer
WAIT_S = 1.0  # seconds for which a door waits for the database, of the three that Slack waits for the door


@dataclass(frozen=True)
class Key:
    """How one connection is known: its secrets, newest first, and our own user in its workspace."""

    connection: str
    secrets: tuple[str, ...]
    us: str


class Keys:
    """Looked up by one thread at a time. What was known last is used for as long as the database is away."""

    def __init__(self) -> None:
        self._known: tuple[Key, ...] = ()
        self._at = float("-inf")
        self._news = threading.Condition()
        self._looking = False

    @property
    def never(self) -> bool:
        """Whether they could not be looked up even once: then nobody can be told from a forger."""
        return self._at == float("-inf")

    def known(self) -> tuple[Key, ...]:
        age = time.monotonic() - self._at
        if age > FRESH_S:
            self._look(wait=age > OLD_S)
        return self._known

    def fresher(self) -> tuple[Key, ...]:
        """After a signature that nothing fits: perhaps the secret is new. At most once in FRESH_S."""
        if time.monotonic() - self._at > FRESH_S:
            self._look(wait=True)
        return self._known

    def forget(self) -> None:
        """So that the next door looks them up again; for a process that changed them."""
        self._at = min(self._at, time.monotonic() - OLD_S - 1)

    def _look(self, *, wait: bool) -> None:
        began = time.monotonic()
        with self._news:
            if not self._looking:
                self._looking = True
                threading.Thread(target=self._load, name="slack-keys", daemon=True).start()
            if wait:
                self._news.wait_for(lambda: self._at >= began or not self._looking, WAIT_S)

    def _load(self) -> None:
        try:
            found, at = load(), time.monotonic()
        except (Error, CountersignError):
            found, at = self._known, self._at
        finally:
            connection.close()  # because nobody else ends the session of a thread
        with self._news:
            self._known, self._at, self._looking = found, at, False
            self._news.notify_all()


def load() -> tuple[Key, ...]:
    """From the database: of connections that are on and that Slack calls by HTTP."""
    rows = InboundSecret.objects.filter(name="signing_secret", connection__enabled=True, connection__kind="slack")
    http = rows.filter(connection__config__mode="http").select_related("connection").order_by("pk")
    return tuple(Key(row.connection.name, _both(row), str(row.connection.facts.get("bot", ""))) for row in http)


def _both(row: InboundSecret) -> tuple[str, ...]:
    before = row.before if row.before_until and row.before_until > timezone.now() else ""
    return tuple(unseal(sealed) for sealed in (row.sealed, before) if sealed)


KEYS = Keys()
