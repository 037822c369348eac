"""The tools that agents are given, whole: what a client shows of them, what they take, and how they are pinned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.core.canonical import sha256
from integrations.values import Json

VERSION = "1"  # raised when what a tool does changes though its words do not


@dataclass(frozen=True)
class Definition:
    name: str
    description: str
    properties: Json
    required: tuple[str, ...] = ()
    # The scope of a person's token that it takes; empty for tools of a grant.
    scope: str = ""
    writes: bool = False

    def as_json(self) -> Json:
        """As MCP lists it. Its hints are true: `propose_fix` alone adds something, a queued proposal."""
        return {
            "name": self.name,
            "title": self.name.replace("_", " "),
            "description": self.description,
            "inputSchema": {
                "type": "object",
                "properties": self.properties,
                "required": list(self.required),
                "additionalProperties": False,
            },
            "annotations": {
                "readOnlyHint": not self.writes,
                "destructiveHint": False,
                "idempotentHint": not self.writes,
                "openWorldHint": False,
            },
            "_meta": {"version": VERSION},
        }

    @property
    def digest(self) -> str:
        return sha256(self.as_json())


def _text(description: str, most: int = 300) -> Json:
    return {"type": "string", "description": description, "maxLength": most}


def _number(description: str, most: int) -> Json:
    return {"type": "integer", "description": description, "minimum": 1, "maximum": most}


def _list(description: str, most: int) -> Json:
    return {
        "type": "array",
        "description": description,
        "items": {"type": "string", "maxLength": 300},
        "maxItems": most,
    }


_ASSET: Json = {"namespace": _text("Of an asset of this incident or of its lineage."), "name": _text("Of that asset.")}
_VERSION = _text("A version id as `versions` lists them; now when left out.", 80)
_CONDITIONS: Json = {
    "type": "array",
    "description": 'All must hold: [column, operator, value], operators =, in, "is null", >=, <.',
    "items": {"type": "array", "minItems": 3, "maxItems": 3},
    "minItems": 1,
    "maxItems": 5,
}
_INCIDENT = _number("Its number.", 10**12)

# Under a grant, for one incident. All of them read.
GRANTED = (
    Definition("evidence", "Read one piece of the numbered evidence.", {"label": _text("E1, K1 …", 6)}, ("label",)),
    Definition("schema", "Columns and types of an asset.", {**_ASSET, "version": _VERSION}, ("namespace", "name")),
    Definition(
        "versions", "Newest versions of an asset.", {**_ASSET, "limit": _number("How many.", 60)}, ("namespace", "name")
    ),
    Definition(
        "profile",
        "Row count, nulls, categories, quantiles and totals of an asset.",
        {**_ASSET, "version": _VERSION, "increment": {"type": "boolean", "description": "Of what that version added."}},
        ("namespace", "name"),
    ),
    Definition(
        "sample",
        "Rows that meet conditions, at most 20.",
        {**_ASSET, "conditions": _CONDITIONS, "limit": _number("Rows.", 20)},
        ("namespace", "name", "conditions"),
    ),
    Definition("grants", "Who may read an asset.", _ASSET, ("namespace", "name")),
    Definition(
        "changes",
        "Newest commits of the job's repository.",
        {"paths": _list("Only those that touch one of these files.", 20), "limit": _number("How many.", 20)},
    ),
    Definition(
        "read_file",
        "One file of the job's repository.",
        {"path": _text("Within the repository."), "version": _text("A commit; the newest when left out.", 64)},
        ("path",),
    ),
    Definition("parameters", "What a run of the job accepts, and its limits.", {}),
)

# Of a person's own agent, by token.
CURATED = (
    Definition("whats_broken", "Open incidents, the most severe first.", {}, scope="read"),
    Definition(
        "diagnose",
        "What is known of an incident: class, cause, claims with the evidence they cite, and the proposal under way.",
        {"incident": _INCIDENT},
        ("incident",),
        "read",
    ),
    Definition(
        "context",
        "An asset: columns, owner, lineage, last runs, incidents, and what people wrote about it.",
        {"asset": _text("Its name, with or without its namespace.")},
        ("asset",),
        "read",
    ),
    Definition(
        "search_knowledge", "Notes of people that fit words.", {"query": _text("A few words.")}, ("query",), "read"
    ),
    Definition(
        "propose_fix",
        "Queue a fix for an incident. It is rehearsed on a branch and waits for people's signatures; nothing else "
        "happens, and you cannot sign it.",
        {
            "incident": _INCIDENT,
            "action": _text("One that `diagnose` lists as possible, or patch_code.", 40),
            "why": _text("What makes you think that it helps.", 1000),
            "diff": _text("For patch_code: a unified diff against the newest commit.", 100_000),
        },
        ("incident", "action", "why"),
        "propose",
        writes=True,
    ),
)
ALL: dict[str, Definition] = {one.name: one for one in (*GRANTED, *CURATED)}


def misfit(definition: Definition, arguments: Json) -> str:
    """What of the arguments is not as the definition says; empty when all is."""
    for name, value in arguments.items():
        if name not in definition.properties:
            return f"{name[:40]!r} is no argument of {definition.name}."
        if said := _misfit(definition.properties[name], value):
            return f"{name} {said}."
    missing = [name for name in definition.required if name not in arguments]
    return f"{missing[0]} is missing." if missing else ""


_TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool, "array": list}


def _misfit(schema: Json, value: Any) -> str:
    wanted = _TYPES.get(schema.get("type", ""), object)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        return f"must be of type {schema['type']}"
    if isinstance(value, str) and len(value) > schema.get("maxLength", 10**6):
        return f"has more than {schema['maxLength']} characters"
    if wanted is int and not schema.get("minimum", 0) <= value <= schema.get("maximum", 10**12):
        return f"must be between {schema.get('minimum', 0)} and {schema.get('maximum')}"
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 1000):
            return "has too few or too many items"
        return next((said for item in value if (said := _misfit(schema.get("items", {}), item))), "")
    return ""
