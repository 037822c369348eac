"""What logs say when something breaks: patterns as data files, one file per tool, and a pure matcher.

A team's own ones (`own/`) are rows of the database; `own/lexicon.py` puts them beside those of the files.

A signature has

id, subtype    a name of its own; one of `subtypes.py`, which gives the class and what heals it
literals       lower-case texts of which at least one is in every line that matches: what a large log is searched for
pattern        a regular expression for one line, case ignored; its named groups are what is extracted
follow         optional: looked for in the lines after, its named groups are added
rank           cause (the default), general (says what happened, a cause may say it better) or symptom (never the
               reason by itself: a wrapper, a summary, a retry that is announced)
retryable      optional: where it differs from the subtype's
also           optional: a subtype of another class that the same words are said of, so that they alone are not sure
frame          optional, true: looked for in the frames of a traceback too, which say nothing otherwise
decides        the kind of evidence that proves it: log, changes, schema, keys, runs, grants, parameters, profile
means, source  a sentence for people, and the public page or thread that it was learned from
matches, near_miss   a text that must match, and one much like it that must not
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

from ahocorasick_rs import AhoCorasick

from incidents.subtypes import SUBTYPES, FailureClass, Subtype

RANKS = ("cause", "general", "symptom")
FOLDER = Path(__file__).parent / "signature_files"
LINE_LIMIT = 2000  # characters of a line that are looked at: a bound on what a hostile log can cost
FOLLOW_LINES = 4  # lines after a match in which the tool may say more


class Found(Protocol):
    def groupdict(self) -> dict[str, Any]: ...


class Pattern(Protocol):
    """Of `re` in the files, which we wrote; of RE2, linear in time, where people wrote it."""

    def search(self, text: str, /) -> Found | None: ...


@dataclass(frozen=True)
class Signature:
    id: str
    tool: str
    kind: Subtype
    literals: tuple[str, ...]
    pattern: Pattern
    follow: Pattern | None
    rank: str
    in_frames: bool
    retryable: bool
    decides: str
    means: str
    source: str
    matches: str
    near_miss: str
    is_own: bool = False  # a team's, not one of the files'
    also: Subtype | None = None

    @property
    def is_cause(self) -> bool:
        return self.rank == "cause"

    @property
    def subtype(self) -> str:
        return self.kind.name

    @property
    def failure_class(self) -> FailureClass:
        return self.kind.failure_class


@dataclass(frozen=True)
class Match:
    """`line` counts from 1."""

    signature: Signature
    line: int
    text: str
    groups: Mapping[str, str] = field(default_factory=dict)


@cache
def load() -> tuple[Signature, ...]:
    """Every signature of every file: causes first, then by file. Raises KeyError or re.error for a broken file."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        found += [_signature(path.stem, entry) for entry in tomllib.loads(path.read_text())["signature"]]
    return tuple(sorted(found, key=lambda signature: RANKS.index(signature.rank)))


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Signatures that logs are read with, in the order in which they are tried on a line."""

    signatures: tuple[Signature, ...]

    def match(self, number: int, line: str) -> Match | None:
        """The first signature that knows the line."""
        text = line[:LINE_LIMIT]
        for signature in self._possible(text.lower()):
            if hit := signature.pattern.search(text):
                return Match(signature, number, text, _named(hit))
        return None

    def with_own(self, own: Iterable[Signature]) -> Lexicon:
        """Own ones are tried before the others of their rank."""
        both = (*own, *self.signatures)
        return Lexicon(tuple(sorted(both, key=lambda one: RANKS.index(one.rank))))

    @cached_property
    def literals(self) -> frozenset[str]:
        return frozenset(literal for signature in self.signatures for literal in signature.literals)

    @cached_property
    def _literals(self) -> tuple[AhoCorasick, tuple[tuple[int, ...], ...]]:
        places: dict[str, list[int]] = {}
        for at, signature in enumerate(self.signatures):
            for literal in signature.literals:
                places.setdefault(literal, []).append(at)
        return AhoCorasick(list(places)), tuple(map(tuple, places.values()))

    def _possible(self, lowered: str) -> list[Signature]:
        """Those of which a literal is in the line, in their order."""
        finder, owners = self._literals
        hits = finder.find_matches_as_indexes(lowered, overlapping=True)
        return [self.signatures[at] for at in sorted({at for which, _, _ in hits for at in owners[which]})]


@cache
def built_in() -> Lexicon:
    """Those of the files alone."""
    return Lexicon(load())


def followed(match: Match, lines: Sequence[str]) -> Match:
    """With what the tool says in `lines`, the ones from the match on."""
    more = _more(match.signature, lines)
    return replace(match, groups={**match.groups, **more}) if more else match


def _more(signature: Signature, lines: Sequence[str]) -> dict[str, str]:
    if signature.follow is None:
        return {}
    hits = (signature.follow.search(line[:LINE_LIMIT]) for line in lines)
    return next((_named(hit) for hit in hits if hit), {})


def _named(hit: Found) -> dict[str, str]:
    return {name: value for name, value in hit.groupdict().items() if value is not None}


def _signature(tool: str, entry: Mapping[str, Any]) -> Signature:
    kind = SUBTYPES[entry["subtype"]]
    return Signature(
        entry["id"],
        tool,
        kind,
        tuple(entry["literals"]),
        re.compile(entry["pattern"], re.IGNORECASE),
        re.compile(entry["follow"], re.IGNORECASE) if "follow" in entry else None,
        entry.get("rank", "cause"),
        entry.get("frame", False),
        entry.get("retryable", kind.retryable),
        entry["decides"],
        entry["means"],
        entry["source"],
        entry["matches"],
        entry["near_miss"],
        also=SUBTYPES[entry["also"]] if "also" in entry else None,
    )
