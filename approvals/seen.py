"""What an approver has to see of a plan: its bytes, to be checked, and each clause that destroys. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.core.visible import visible
from integrations.values import Json

# Words with which a statement takes something away or gives something away; wherever in a megabyte they stand.
DESTROYS = re.compile(
    r"\b(drop|truncate|delete|update|merge|alter|grant|revoke|overwrite|replace\s+table|copy\b[^\n]{0,200}?\bprogram)\b",
    re.IGNORECASE,
)
BESIDE = 60  # characters of the line on each side of a clause
NAMED = 5  # clauses that are shown; the rest is counted
UNPLAIN = re.compile(r"[^\x20-\x7e\n]")


@dataclass(frozen=True)
class Clause:
    word: str
    step: int
    line: int
    text: str


@dataclass(frozen=True)
class Clauses:
    """The first of them in the order of the plan, and how many there are altogether."""

    shown: tuple[Clause, ...]
    many: int
    words: tuple[str, ...]

    @property
    def more(self) -> int:
        return self.many - len(self.shown)


def exact(plan: Json) -> str:
    """The plan as JSON, hidden characters as its escapes: read back, it is the plan, and hashes to what is signed."""
    return UNPLAIN.sub(_escaped, json.dumps(plan, sort_keys=True, ensure_ascii=False, indent=1))


def clauses(plan: Json) -> Clauses:
    """Of every text that a step carries; of a patch, the lines that it adds."""
    found = list(_clauses(plan))
    return Clauses(tuple(found[:NAMED]), len(found), tuple(sorted({clause.word for clause in found})))


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    return char if visible(char) == char else json.dumps(char)[1:-1]


def _clauses(plan: Json) -> Iterator[Clause]:
    for number, step in enumerate(plan.get("steps", []), 1):
        for text in _texts(step.get("params")):
            is_patch = text.startswith(("--- ", "diff --git "))
            for at, line in enumerate(text.splitlines(), 1):
                if is_patch and not line.startswith("+"):
                    continue
                for match in DESTROYS.finditer(line):
                    word = " ".join(match[1].split()).upper()
                    yield Clause(word.partition(" ")[0], number, at, _around(line, match))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


def _around(line: str, match: re.Match[str]) -> str:
    start, end = max(match.start() - BESIDE, 0), match.end() + BESIDE
    return f"{'…' if start else ''}{line[start:end].strip()}{'…' if end < len(line) else ''}"
