"""Evidence as tabs: one panel per kind, the kinds in the order in which people read them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from app.core.errors import Invalid
from incidents.drawing import draw, strip
from incidents.models import Diagnosis, Evidence
from integrations.values import Json
from knowledge import queries as entries
from knowledge.hints import parse
from knowledge.models import Entry

# kind of evidence -> (id of the panel, title)
KINDS = {
    "lineage": ("lineage", "Lineage"),
    "log": ("log", "Log"),
    "signature": ("log", "Log"),
    "workload": ("log", "Log"),
    "runs": ("runs", "Runs"),
    "profile": ("profile", "Drift"),
    "schema": ("schema", "Schema"),
    "comments": ("schema", "Schema"),
    "keys": ("keys", "Keys"),
    "changes": ("changes", "Changes"),
    "grants": ("grants", "Grants"),
    "parameters": ("parameters", "Parameters"),
    "reading": ("reading", "Read by the model"),
    "similar": ("similar", "Similar"),
    "knowledge": ("knowledge", "Knowledge"),
}
OTHER = ("other", "Other")


@dataclass(frozen=True)
class Item:
    evidence: Evidence
    template: str
    drawing: Any = None


@dataclass(frozen=True)
class Panel:
    id: str
    title: str
    items: list[Item]

    @property
    def labels(self) -> str:
        return " ".join(item.evidence.label for item in self.items)


def panels(evidence: Sequence[Evidence]) -> list[Panel]:
    found: dict[str, Panel] = {}
    known = _entries(evidence)
    for one in evidence:
        panel_id, title = KINDS.get(one.kind, OTHER)
        panel = found.setdefault(panel_id, Panel(panel_id, title, []))
        kind = one.kind if one.kind in KINDS else "facts"
        drawing = _drawn(kind, one.body, known)
        panel.items.append(Item(one, f"incidents/evidence/_{kind}.html", drawing))
    order = [panel_id for panel_id, _ in [*KINDS.values(), OTHER]]
    return sorted(found.values(), key=lambda panel: order.index(panel.id))


@dataclass(frozen=True)
class Note:
    """What beside its words is shown of an entry: its hints in words, and what it is worth by now."""

    hints: list[str]
    entry: Entry | None
    is_older: bool  # than the version there is now


def _drawn(kind: str, body: Json, known: dict[int, Entry]) -> Any:
    if kind == "knowledge":
        return _note(body, known)
    return draw(body) if kind == "lineage" else strip(body) if kind == "runs" else None


def _note(body: Json, known: dict[int, Entry]) -> Note:
    hints: list[str] = []
    with suppress(Invalid):  # evidence is kept as it was, in the words of an earlier version
        hints = [hint.sentence for hint in parse(body.get("hints") or [])]
    entry = known.get(_key(body))
    return Note(hints, entry, bool(entry and entry.version != body.get("version")))


def _entries(evidence: Sequence[Evidence]) -> dict[int, Entry]:
    keys = [_key(one.body) for one in evidence if one.kind == "knowledge"]
    return entries.by_key(keys) if any(keys) else {}


def _key(body: Json) -> int:
    key = body.get("entry")
    return key if isinstance(key, int) else 0


def version_of(diagnosis: Diagnosis | None, evidence: Sequence[Evidence]) -> str:
    """Changes when the diagnosis or its evidence did."""
    newest = max((one.pk for one in evidence), default=0)
    return f"{diagnosis.pk if diagnosis else 0}-{len(evidence)}-{newest}"
