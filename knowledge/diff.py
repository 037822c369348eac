"""What changed between two versions of an entry, as lines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Protocol

from integrations.values import Json
from knowledge.hints import parse

AROUND = 3  # lines that stay the same, shown about each change
_STYLES = {"+": "add", "-": "del", "@": "hunk"}


class Version(Protocol):
    """An entry, or one of its versions."""

    title: str
    rule: str
    body: str
    hints: list[Json]


@dataclass(frozen=True)
class Part:
    """One part of an entry that differs; `lines` are (style, text) as the stylesheet draws them."""

    name: str
    lines: tuple[tuple[str, str], ...]
    before: str
    after: str

    @property
    def added(self) -> int:
        return sum(style == "add" for style, _ in self.lines)

    @property
    def removed(self) -> int:
        return sum(style == "del" for style, _ in self.lines)


def diff(before: Version | None, after: Version) -> list[Part]:
    """The parts in which they differ; everything where there is nothing before."""
    return differing(_parts(before) if before else {}, _parts(after))


def differing(before: dict[str, str], after: dict[str, str]) -> list[Part]:
    pairs = [(name, before.get(name, ""), text) for name, text in after.items()]
    return [Part(name, tuple(_lines(old, new)), old, new) for name, old, new in pairs if old != new]


def hints_in_words(hints: Sequence[Json]) -> str:
    return "\n".join(hint.sentence for hint in parse(hints))


def _parts(version: Version) -> dict[str, str]:
    words = hints_in_words(version.hints)
    return {"Title": version.title, "Applies when": version.rule, "Text": version.body, "Hints": words}


def _lines(before: str, after: str) -> Iterator[tuple[str, str]]:
    told = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=AROUND)
    for number, line in enumerate(told):
        if number > 2:  # after the two that name files, and the first hunk, which says nothing here
            yield _STYLES.get(line[:1], ""), line
