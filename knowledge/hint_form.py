"""Hints as fields of a form and back: one of each kind; what more an entry has is kept as it is. Pure but for Django.

A field is named `<kind>-<attribute>`, so that the form follows from the classes of `knowledge/hints.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

from django import forms

from app.core.errors import Invalid
from integrations.values import Json
from knowledge.hints import DAY_NAMES, EVERY_DAY, HINTS, Hint, as_json, parse

CLOCK = {"inputmode": "numeric", "pattern": "[0-2][0-9]:[0-5][0-9]", "placeholder": "02:47"}
EVERY = ",".join(map(str, EVERY_DAY))
DAYS = [(EVERY, "Every day"), ("0,1,2,3,4", "Monday to Friday"), ("5,6", "Saturday and Sunday")]
DAYS += [(str(day), name) for day, name in enumerate(DAY_NAMES)]
# What is filled in without meaning that there is such a hint.
SILENT = {"retry_window-zone", "retry_window-days"}


def _text(label: str, **attrs: str) -> forms.CharField:
    return forms.CharField(required=False, label=label, max_length=300, widget=forms.TextInput(attrs))


def _number(label: str) -> forms.CharField:
    return forms.CharField(required=False, label=label, widget=forms.NumberInput({"min": "0", "step": "any"}))


def _choice(label: str, *pairs: tuple[str, str]) -> forms.ChoiceField:
    return forms.ChoiceField(required=False, label=label, choices=pairs)


def hint_fields(days: str = "") -> dict[str, forms.Field]:
    """Fields of every kind; `days` is a choice beyond the usual ones that an entry has."""
    other = [] if not days or days in dict(DAYS) else [(days, _day_words(days))]
    return {
        "retry_window-when": _choice("Retry", ("", "any time"), ("inside", "inside"), ("after", "after")),
        "retry_window-start": _text("From", **CLOCK),
        "retry_window-end": _text("To", **CLOCK | {"placeholder": "03:12"}),
        "retry_window-zone": _text("Time zone", list="zones", placeholder="UTC"),
        "retry_window-days": _choice("Days", *DAYS, *other),
        "retry_window-most_retries": forms.CharField(
            required=False, label="Most retries", widget=forms.NumberInput({"min": "1", "max": "20"})
        ),
        "contact-who": _text("Contact"),
        "contact-channel": _text("Channel", placeholder="#channel or an address"),
        "expected_change-column": _text("Column", placeholder="empty: number of rows"),
        "expected_change-direction": _choice(
            "Goes", ("", "not expected"), ("up", "up"), ("down", "down"), ("either", "either way")
        ),
        "expected_change-low": _number("From, %"),
        "expected_change-high": _number("To, %"),
        "expected_change-asset": _text("Asset", placeholder="empty: what the rule matches"),
        "expected_change-until": forms.CharField(
            required=False, label="Until", widget=forms.DateInput({"type": "date"})
        ),
        "header-name": _text("Header", placeholder="X-Cluster-Key"),
        "header-reference": _text("Value in the vault", placeholder="vault://connection/name"),
        "header-host": _text("For calls to", placeholder="api.example.com"),
        "do_not_touch-reason": _text("Do not touch, because"),
        "known_flaky-recovery": _text("Known to be flaky; it comes back by"),
        "known_flaky-minutes": _number("Usually within, min"),
        "known_flaky-retries": forms.CharField(
            required=False, label="Usually after, retries", widget=forms.NumberInput({"min": "1", "max": "3"})
        ),
        "must_approve-who": _text("Must approve", placeholder="user names, or role:approver"),
    }


def initial(hints: Iterable[Hint]) -> dict[str, str]:
    """What the fields hold for these hints: the first of each kind."""
    held = {"retry_window-zone": "UTC", "retry_window-days": EVERY}
    for hint in reversed(list(hints)):
        held |= {f"{hint.kind}-{name}": _shown(value) for name, value in asdict(hint).items()}
    return held


def beyond(hints: Iterable[Hint]) -> list[Hint]:
    """Hints for which the form has no fields left: the second of a kind and further ones."""
    listed = list(hints)
    kinds = [hint.kind for hint in listed]
    return [hint for at, hint in enumerate(listed) if hint.kind in kinds[:at]]


def gathered(values: Mapping[str, Any]) -> tuple[list[Hint], dict[str, str]]:
    """The hints that the fields say, and what is wrong: field -> words."""
    found: list[Hint] = []
    wrong: dict[str, str] = {}
    for kind, made in HINTS.items():
        names = [field.name for field in fields(made)]
        if not any(values.get(f"{kind}-{name}") for name in names if f"{kind}-{name}" not in SILENT):
            continue
        try:
            found += parse([{"kind": kind} | {n: v for n in names if (v := _cast(made, n, values)) is not None}])
        except Invalid as error:
            said = str(error).partition("): ")[2] or str(error)
            wrong[f"{kind}-{_named(said, names)}"] = "This is needed too." if said.endswith("is missing.") else said
    return found, wrong


def as_choice(hint: Hint) -> Json:
    return as_json([hint])[0]


def _cast(made: type[Hint], name: str, values: Mapping[str, Any]) -> Any:
    """The text of a field in the type of its attribute; as it is where it cannot be, None for nothing."""
    text = str(values.get(f"{made.kind}-{name}") or "").strip()
    wanted = str(next(field.type for field in fields(made) if field.name == name))
    if wanted.startswith("tuple"):
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return [int(part) if part.isdecimal() else part for part in parts] if "int" in wanted else parts
    if not text:
        return "" if wanted == "str" and name in {"column", "asset", "channel", "until"} else None
    if wanted.startswith("int"):
        return int(text) if text.isdecimal() else text
    if wanted == "float":
        return float(text) if text.replace(".", "", 1).isdecimal() else text
    return text


def _shown(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ",".join(map(str, value)) if all(isinstance(one, int) for one in value) else ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else "" if value is None else str(value)


def _named(said: str, names: list[str]) -> str:
    """The attribute that an error is about; the first one where it names none."""
    inner = {"from:": "start", "to:": "end", "most retries": "most_retries"}  # words that the hints use for them
    known = next((name for words, name in inner.items() if said.lower().startswith(words)), "")
    return known or next((name for name in names if said.startswith(name)), names[0])


def _day_words(days: str) -> str:
    return ", ".join(DAY_NAMES[int(day)] for day in days.split(",") if day.isdecimal() and int(day) < len(DAY_NAMES))
