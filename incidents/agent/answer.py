"""The typed answer of the model: what it must look like, and what of it holds. Pure; runs on both sides of the wall."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

CLASSES = ("infrastructure", "code", "data", "transient")
INCONCLUSIVE = "inconclusive"
CAUSE, SENTENCE, PATCH = 600, 400, 60_000  # characters
MOST = 12  # claims, alternatives, or citations of one of them
Json = dict[str, Any]

_CITES: Json = {"type": "array", "items": {"type": "string"}, "description": "E1, K1 or R12: only what you have read."}
CONCLUDE: Json = {
    "name": "conclude",
    "description": "Your diagnosis. Call it once, at the end.",
    "parameters": {
        "type": "object",
        "properties": {
            "failure_class": {"type": "string", "enum": [*CLASSES, INCONCLUSIVE]},
            "subtype": {"type": "string", "description": "One of the list for that class, or empty."},
            "root_cause": {"type": "string", "description": "One or two sentences."},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "claims": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"text": {"type": "string"}, "cites": _CITES},
                    "required": ["text", "cites"],
                },
            },
            "alternatives": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"cause": {"type": "string"}, "why_not": {"type": "string"}, "cites": _CITES},
                    "required": ["cause", "why_not", "cites"],
                },
            },
            "patch": {"type": "string", "description": "A unified diff, or left out."},
        },
        "required": ["failure_class", "root_cause", "confidence", "claims"],
    },
}


class Unfit(Exception):
    """The answer does not have the shape that was asked for; the message says where."""


@dataclass(frozen=True)
class Answer:
    # Empty when inconclusive.
    failure_class: str
    subtype: str
    root_cause: str
    confidence: float
    claims: tuple[Json, ...]
    alternatives: tuple[Json, ...]
    patch: str


def parsed(raw: Any) -> Answer:
    """Raises Unfit. Texts are cut, not refused; a wrong type is refused."""
    if not isinstance(raw, dict):
        raise Unfit("The answer is no object.")
    said = _text(raw, "failure_class", 20)
    if said not in (*CLASSES, INCONCLUSIVE):
        raise Unfit(f"There is no failure class {said!r}.")
    confidence = raw.get("confidence")
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        raise Unfit("The confidence is no number between 0 and 1.")
    return Answer(
        "" if said == INCONCLUSIVE else said,
        _text(raw, "subtype", 60),
        _text(raw, "root_cause", CAUSE),
        float(confidence),
        _sentences(raw, "claims", "text"),
        _sentences(raw, "alternatives", "cause", "why_not"),
        _text(raw, "patch", PATCH),
    )


def supported(sentences: Iterable[Json], read: set[str]) -> list[Json]:
    """Those that cite something, and nothing that was not read."""
    return [one for one in sentences if one["cites"] and set(one["cites"]) <= read]


def _text(raw: Json, name: str, most: int) -> str:
    value = raw.get(name) or ""
    if not isinstance(value, str):
        raise Unfit(f"{name} is no text.")
    return value.strip()[:most]


def _sentences(raw: Json, name: str, *texts: str) -> tuple[Json, ...]:
    rows = raw.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unfit(f"{name} is no list of objects.")
    found = []
    for row in rows[:MOST]:
        cites = row.get("cites") or []
        if not isinstance(cites, list) or not all(isinstance(cite, str) for cite in cites):
            raise Unfit(f"The cites of {name} are no list of labels.")
        found.append({**{text: _text(row, text, SENTENCE) for text in texts}, "cites": cites[:MOST]})
    return tuple(found)
