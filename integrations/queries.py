"""Reads for Settings › Connections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from integrations import registry
from integrations.models import Connection
from integrations.registry import Entry

LATE = timedelta(hours=26)  # a daily load and its slack


@dataclass(frozen=True)
class Row:
    """One connection as the page shows it; `tone` is a modifier of `.status`."""

    connection: Connection
    entry: Entry
    tone: str
    word: str
    note: str

    @property
    def receives(self) -> bool:
        return "EventSource" in self.entry.ports


def rows() -> list[Row]:
    return [row(connection) for connection in Connection.objects.order_by("name")]


def row(connection: Connection) -> Row:
    entry = registry.entry(connection.kind)
    if not connection.enabled:
        return Row(connection, entry, "watch", "Off", "")
    if connection.test_ok is False:
        return Row(connection, entry, "bad", "Failing", connection.test_message)
    if "EventSource" not in entry.ports:
        word = ("ok", "Healthy") if connection.test_ok else ("watch", "Not tested yet")
        return Row(connection, entry, *word, connection.test_message)
    if connection.last_event_at is None:
        return Row(connection, entry, "watch", "Waits for its first event", "")
    if timezone.now() - connection.last_event_at > LATE:
        return Row(connection, entry, "warn", "Late", "Nothing came for more than a day. Failures may reach you late.")
    return Row(connection, entry, "ok", "Healthy", "")
