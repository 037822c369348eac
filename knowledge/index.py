"""What recall finds entries by: keys of their rules, and their words with the names in them taken apart. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from knowledge.hints import Hint
from knowledge.needle import needle as text_of
from knowledge.rule import Case, Condition, head_of, parse

# Conditions by how few cases they hold for: the first that a rule has finds it.
NARROW = ("asset", "dashboard", "column", "connection", "subtype", "status", "error", "class", "connector")
LONG_HEAD, TOLD = 6, 4.5  # characters before a star; by how many places such a pattern is broader than a name
PREFIX = 12  # characters of a pattern before its first star, at most
KEY_LIMIT = 300  # characters
NAMES = 150  # of a case, the nearest
_NAME_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NAME = re.compile(r"[A-Za-z0-9]+(?:[._/:-][A-Za-z0-9]+|[a-z0-9][A-Z])[\w./:-]*")


def anchors(rule: str) -> list[str]:
    """Keys of which a case must have one, or the rule cannot hold: those of its narrowest condition."""
    conditions = sorted(parse(rule), key=_breadth)
    return [_key(conditions[0], value) for value in conditions[0].values] if conditions else []


def needle(rule: str) -> str:
    """Text that the log must hold where an error is the narrowest condition; empty where none is sure."""
    conditions = sorted(parse(rule), key=_breadth)
    first = conditions[0] if conditions else None
    return text_of(first.values[0]) if first and first.field == "error" and len(first.values) == 1 else ""


def keys(case: Case) -> list[str]:
    """Every key under which a rule that may hold for the case, or for something upstream, is kept."""
    held: dict[str, Iterable[str]] = {
        "asset": sorted(case.assets, key=lambda name: case.assets[name])[:NAMES],
        "dashboard": case.dashboards[:NAMES],
        "column": case.columns[:NAMES],
        "connection": (case.connection,),
        "subtype": (case.subtype,),
        "status": (case.status,),
        "class": (case.failure_class,),
        "connector": (case.connector,),
    }
    found = ["error"] if case.error else []
    for name, values in held.items():
        for value in filter(None, values):
            low = value.lower()[:KEY_LIMIT]
            found += [f"{name}:{low}", *(f"{name}^{low[:length]}" for length in range(PREFIX + 1))]
    return list(dict.fromkeys(found))


def is_narrow(key: str) -> bool:
    """Whether few rules are kept under the key."""
    return (":" in key and key.partition(":")[0] in NARROW[:7]) or (
        key.startswith("asset^") and len(key) > len("asset^") + 4
    )


def words(title: str, rule: str, body: str, hints: Sequence[Hint]) -> str:
    """The text that is searched: everything, then the names in it in parts (`raw.sales_us`: raw sales us)."""
    values = [value for condition in parse(rule) for value in condition.values]
    text = "\n".join([title, *values, body, *(hint.sentence for hint in hints)])
    return f"{text}\n{' '.join(parts(text))}"


def parts(text: str) -> list[str]:
    """The parts of compound names in the text, each once."""
    found = [part.lower() for name in _NAME.findall(text) for part in _NAME_PARTS.findall(name)]
    return list(dict.fromkeys(part for part in found if len(part) > 1))


def _breadth(condition: Condition) -> float:
    """For how many cases it may hold, as a place in NARROW; a pattern that begins with a long name is still narrow."""
    place = float(NARROW.index(condition.field))
    if condition.field == "error":
        return place
    heads = [head_of(value) for value in condition.values]
    if all(is_whole for _, is_whole in heads):
        return place
    return place + (TOLD if min(len(head) for head, _ in heads) >= LONG_HEAD else len(NARROW))


def _key(condition: Condition, value: str) -> str:
    if condition.field == "error":
        sure = text_of(value) if len(condition.values) == 1 else ""
        return f"error:{sure}" if sure else "error"
    head, is_whole = head_of(value.lower())
    return f"{condition.field}:{head[:KEY_LIMIT]}" if is_whole else f"{condition.field}^{head[:PREFIX]}"
