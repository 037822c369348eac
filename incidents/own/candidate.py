"""What a person writes as a signature, and the checks that it passes before a log is read with it.

Patterns come from people and are hostile: RE2 matches in linear time, and length and size of the program are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from app.core.canonical import sha256
from app.core.errors import Invalid
from incidents.own.literals import LEAST, MOST, literals_of
from incidents.own.models import FIELDS, MEANS_LIMIT, NAME_LIMIT
from incidents.signatures import RANKS, Pattern, Signature
from incidents.subtypes import SUBTYPES
from knowledge.rule import pattern as compiled

TOOL = "your team"
DECIDES = ("log", "changes", "schema", "keys", "runs", "grants", "parameters", "profile")
PROGRAM_LIMIT = 2500  # instructions of a compiled pattern: what one step on a hostile line can cost
LITERAL_LIMIT = 100  # characters
HEALTHY_SHARE = 0.01  # of healthy lines that a signature may match: more says nothing about failures
HEALTHY_FILE = Path(__file__).parent / "healthy.txt"

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")


@dataclass(frozen=True)
class Candidate:
    name: str
    pattern: str
    subtype: str
    means: str
    literals: tuple[str, ...] = ()
    rank: str = "cause"
    retryable: bool | None = None
    decides: str = "log"
    follow: str = ""

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Candidate:
        given = {name: content[name] for name in FIELDS}
        return cls(**given | {"literals": tuple(given["literals"])})

    @property
    def content(self) -> dict[str, Any]:
        return asdict(self) | {"literals": list(self.literals)}

    @property
    def sought(self) -> tuple[str, ...]:
        """The texts that a large log is searched for: the given ones, else those of the pattern."""
        return self.literals or literals_of(self.pattern)

    @property
    def digest(self) -> str:
        """Of all that decides which lines match: what was tried is what is saved."""
        return sha256([self.pattern, list(self.literals), self.follow])


def checked(candidate: Candidate) -> None:
    """Raises Invalid with a sentence for what cannot be kept."""
    if not _NAME.fullmatch(candidate.name) or len(candidate.name) > NAME_LIMIT:
        raise Invalid(f"A name has up to {NAME_LIMIT} small letters, digits and single hyphens: partner-feed-busy.")
    if candidate.subtype not in SUBTYPES:
        raise Invalid(f"There is no subtype “{candidate.subtype[:60]}”. They are under Settings › Signatures.")
    if candidate.rank not in RANKS or candidate.decides not in DECIDES:
        raise Invalid(f"A rank is one of {', '.join(RANKS)}; what decides is one of {', '.join(DECIDES)}.")
    if not candidate.means.strip() or len(candidate.means) > MEANS_LIMIT or not candidate.means.isprintable():
        raise Invalid(f"Say in one line of at most {MEANS_LIMIT} characters what it means.")
    readable(candidate)


def readable(candidate: Candidate) -> None:
    """Only what decides which lines match: enough to try it. Raises Invalid."""
    if not candidate.pattern:
        raise Invalid("Write a pattern: what the line says, with \\d+ for a number and .* for anything.")
    found = bounded(candidate.pattern)
    if found.search("") is not None:
        raise Invalid("The pattern matches a line that says nothing, and so every line. Add words that must be there.")
    if candidate.follow and bounded(candidate.follow).search("") is not None:
        raise Invalid("What may follow matches a line that says nothing. Add words that must be there.")
    _sought(candidate)
    known = [line for line in healthy_lines() if any(text in line.lower() for text in candidate.sought)]
    if hit := next((line for line in known if found.search(line)), None):
        raise Invalid(f"The pattern matches what healthy runs say too, such as “{hit}”. Make it say more.")


def refuse_healthy(matched: int, lines: int) -> None:
    """Raises Invalid where more than a share of the lines of good runs would be called a failure."""
    if matched > HEALTHY_SHARE * lines:
        share = f"{matched:,} of {lines:,} lines of good runs"
        raise Invalid(f"The pattern matches {share}: it does not tell a failure from a healthy log. Make it say more.")


def bounded(pattern: str) -> Pattern:
    """Compiled. Raises Invalid for one that is too long, wrong, or large."""
    if not pattern.isprintable():
        raise Invalid("A pattern is one line of characters that can be seen.")
    made = compiled(pattern)
    if made.programsize > PROGRAM_LIMIT:
        raise Invalid("The pattern is too large. Say .* instead of counting up to hundreds of characters.")
    return cast(Pattern, made)


def signature(candidate: Candidate, version: int) -> Signature:
    """As logs are read with it. Raises Invalid or KeyError for one that an upgrade no longer understands."""
    kind = SUBTYPES[candidate.subtype]
    return Signature(
        id=f"own/{candidate.name}@{version}",
        tool=TOOL,
        kind=kind,
        literals=candidate.sought,
        pattern=bounded(candidate.pattern),
        follow=bounded(candidate.follow) if candidate.follow else None,
        rank=candidate.rank,
        in_frames=False,
        retryable=kind.retryable if candidate.retryable is None else candidate.retryable,
        decides=candidate.decides,
        means=candidate.means,
        source="",
        matches="",
        near_miss="",
        is_own=True,
    )


@cache
def healthy_lines() -> tuple[str, ...]:
    """What healthy runs of many tools say: a floor for an installation that has no logs yet."""
    return tuple(HEALTHY_FILE.read_text().splitlines())


def _sought(candidate: Candidate) -> None:
    texts: Iterable[str] = candidate.sought
    if not texts:
        raise Invalid(f"No text of {LEAST} characters is sure to be in a matching line. Give one under Must contain.")
    if len(candidate.literals) > MOST:
        raise Invalid(f"At most {MOST} texts.")
    for text in texts:
        if not LEAST <= len(text) <= LITERAL_LIMIT or text != text.lower() or not text.isprintable():
            raise Invalid(f"A text that must be there has {LEAST} to {LITERAL_LIMIT} characters, in small letters.")
