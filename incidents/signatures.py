"""What logs say when something breaks: patterns as data files, one file per tool, and a pure matcher.

A signature has `id`, `class` and `subtype`, `pattern` (one line), `retryable`, `decides` (the kind of evidence that
proves it), `means` (a sentence for people), `matches` (a text that must match) and `near_miss` (one that must not).
`follow` is looked for in the lines after; its named groups are added.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "signature_files"
LINE_LIMIT = 2000  # characters of a line that are looked at: a bound on what a hostile log can cost
FOLLOW_LINES = 4  # lines after a match in which the tool may say more
MATCH_LIMIT = 200  # matches in one log; the first ones are nearest the cause


@dataclass(frozen=True)
class Signature:
    id: str
    tool: str
    failure_class: str
    subtype: str
    pattern: re.Pattern[str]
    follow: re.Pattern[str] | None
    retryable: bool
    decides: str
    means: str
    matches: str
    near_miss: str


@dataclass(frozen=True)
class Match:
    """`line` counts from 1."""

    signature: Signature
    line: int
    text: str
    groups: Mapping[str, str] = field(default_factory=dict)


@cache
def load() -> tuple[Signature, ...]:
    """Every signature of every file, files by name. Raises KeyError or re.error for a broken file."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        found += [_signature(path.stem, entry) for entry in tomllib.loads(path.read_text())["signature"]]
    return tuple(found)


def match(log: str) -> list[Match]:
    """Where the known signatures are in a log, in the order of its lines; one match for each line, the first known."""
    return match_lines(log.splitlines())


def match_lines(lines: Sequence[str]) -> list[Match]:
    found: list[Match] = []
    for number, line in enumerate(lines, start=1):
        if hit := _first(line[:LINE_LIMIT]):
            signature, groups = hit
            after = lines[number - 1 : number + FOLLOW_LINES]
            found.append(Match(signature, number, line[:LINE_LIMIT], groups | _more(signature, after)))
            if len(found) >= MATCH_LIMIT:
                break
    return found


def _first(line: str) -> tuple[Signature, dict[str, str]] | None:
    for signature in load():
        if hit := signature.pattern.search(line):
            return signature, _named(hit)
    return None


def _more(signature: Signature, lines: Sequence[str]) -> dict[str, str]:
    if signature.follow is None:
        return {}
    hits = (signature.follow.search(line[:LINE_LIMIT]) for line in lines)
    return next((_named(hit) for hit in hits if hit), {})


def _named(hit: re.Match[str]) -> dict[str, str]:
    return {name: value for name, value in hit.groupdict().items() if value is not None}


def _signature(tool: str, entry: Mapping[str, Any]) -> Signature:
    return Signature(
        entry["id"],
        tool,
        entry["class"],
        entry["subtype"],
        re.compile(entry["pattern"], re.IGNORECASE),
        re.compile(entry["follow"], re.IGNORECASE) if "follow" in entry else None,
        entry["retryable"],
        entry["decides"],
        entry["means"],
        entry["matches"],
        entry["near_miss"],
    )
