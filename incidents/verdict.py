"""What one rule concludes, every sentence with the evidence it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from incidents.models import Asset
from integrations.values import Json


@dataclass(frozen=True)
class Verdict:
    failure_class: str
    subtype: str
    # In plain words, one or two sentences.
    root_cause: str
    # What the proposer acts on; `diagnose.py` lists the keys and adds those that every subtype has.
    facts: Json
    claims: Sequence[Json]
    alternatives: Sequence[Json] = field(default_factory=list)
    confidence: float = 0.9
    # The asset at fault, where evidence shows that it is another one than the incident's.
    root: Asset | None = None


def claim(text: str, *cites: str) -> Json:
    """One sentence; names in it stand between backticks."""
    return {"text": text, "cites": [cite for cite in cites if cite]}


def code(names: Iterable[str] | str) -> str:
    """Names as the pages set them apart: `raw.orders`, `order_id`."""
    many = [names] if isinstance(names, str) else names
    return ", ".join(f"`{name.replace('`', '')}`" for name in many if name)


def not_so(cause: str, why_not: str, *cites: str) -> Json:
    return {"cause": cause, "why_not": why_not, "cites": [cite for cite in cites if cite]}
