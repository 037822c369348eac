"""Find again what people wrote about an asset and about what stands upstream of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from integrations.values import AssetRef
from knowledge.queries import notes_on

LIMIT = 8  # notes in one recall: more than anybody reads at night


@dataclass(frozen=True)
class Note:
    asset: AssetRef
    text: str
    author: str
    at: datetime
    # Steps upstream of the asset in question.
    distance: int


def recall(assets: Mapping[AssetRef, int]) -> list[Note]:
    """Notes on the assets, nearest first, then newest. `assets` maps each to its distance."""
    found = [
        Note(ref, note.text, note.author.label, note.created_at, assets[ref])
        for note in notes_on(assets)
        if (ref := AssetRef(note.namespace, note.asset)) in assets
    ]
    return sorted(found, key=lambda note: (note.distance, -note.at.timestamp()))[:LIMIT]
