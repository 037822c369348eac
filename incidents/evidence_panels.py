"""Evidence as tabs: one panel per kind, the kinds in the order in which people read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from incidents.drawing import draw, strip
from incidents.models import Diagnosis, Evidence

# kind of evidence -> (id of the panel, title)
KINDS = {
    "lineage": ("lineage", "Lineage"),
    "log": ("log", "Log"),
    "signature": ("log", "Log"),
    "runs": ("runs", "Runs"),
    "profile": ("profile", "Drift"),
    "schema": ("schema", "Schema"),
    "keys": ("keys", "Keys"),
    "changes": ("changes", "Changes"),
    "grants": ("grants", "Grants"),
    "parameters": ("parameters", "Parameters"),
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
    for one in evidence:
        panel_id, title = KINDS.get(one.kind, OTHER)
        panel = found.setdefault(panel_id, Panel(panel_id, title, []))
        kind = one.kind if one.kind in KINDS else "facts"
        drawing = draw(one.body) if kind == "lineage" else strip(one.body) if kind == "runs" else None
        panel.items.append(Item(one, f"incidents/evidence/_{kind}.html", drawing))
    order = [panel_id for panel_id, _ in [*KINDS.values(), OTHER]]
    return sorted(found.values(), key=lambda panel: order.index(panel.id))


def version_of(diagnosis: Diagnosis | None, evidence: Sequence[Evidence]) -> str:
    """Changes when the diagnosis or its evidence did."""
    newest = max((one.pk for one in evidence), default=0)
    return f"{diagnosis.pk if diagnosis else 0}-{len(evidence)}-{newest}"
