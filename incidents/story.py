"""The timeline of an incident: its audit records as sentences, with the words of comments put back in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.audit import EVENTS
from app.core.models import AuditRecord
from incidents.models import Comment

DOORS = {"web": "on the web", "api": "through the API", "slack": "in Slack", "command": "at the command line"}


@dataclass(frozen=True)
class Entry:
    pk: int
    at: datetime
    actor: str
    actor_type: str
    words: str
    small: str
    quote: str = ""
    is_denied: bool = False


def story(trail: Iterable[AuditRecord], comments: Mapping[int, Comment]) -> list[Entry]:
    return [_entry(record, comments) for record in trail]


def _entry(record: AuditRecord, comments: Mapping[int, Comment]) -> Entry:
    said = comments.get(record.detail.get("comment", 0))
    return Entry(
        pk=record.pk,
        at=record.time,
        actor=str(record.actor.get("name", "")),
        actor_type=str(record.actor.get("type", "service")),
        words=sentence(record),
        small=_small(record),
        quote=said.text if said else "",
        is_denied=record.outcome != "success",
    )


def sentence(record: AuditRecord) -> str:
    """What happened, in the past tense; the event's name when this version does not know it."""
    _, words = EVENTS.get(record.event, (record.event, record.event))
    return words.format_map(_Details({**record.detail, "subject": record.subject.get("name", "")}))


def _small(record: AuditRecord) -> str:
    parts = []
    if record.actor.get("type") == "human":
        parts.append(f"{record.actor.get('name', '')} {DOORS.get(record.source.get('door', ''), '')}".strip())
    if record.fingerprint and record.event.startswith(("decision.", "proposal.awaiting", "execution.void")):
        parts.append(f"fingerprint {record.fingerprint[:4]} {record.fingerprint[4:8]}")
    if title := record.detail.get("title"):
        parts.append(str(title))
    if record.event == "incident.assigned":
        parts.append(f"to {record.after}" if record.after else "to nobody")
    if record.reason:
        parts.append(record.reason)
    return " · ".join(parts)


class _Details(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"
