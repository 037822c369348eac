"""From a log of any size to the lines that may decide, each byte read once, memory flat.

A literal prefilter (Aho-Corasick) finds the lines that are worth a pattern; the patterns say what they mean; lines that
the last good run said as well, in the same template, are healthy noise and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import BinaryIO

from ahocorasick_rs import BytesAhoCorasick

from app.core.redact import redact
from incidents.carriers import carried, parts
from incidents.signatures import FOLLOW_LINES, LINE_LIMIT, RANKS, Lexicon, Match, built_in, followed

BLOCK = 4 * 2**20  # bytes read at a time
AFTER = 4096  # bytes after a line in which the tool may say more
TAIL = 2**18  # bytes at the end that are always looked at whole: what killed the run is said there
REPEATS = 3  # lines of one template that are kept; later ones are only counted
KEPT = 2000  # templates that are kept
WORN = 5000  # hits after which a literal is noise in this log, and no longer looked for before its end
# Words that make a line worth showing when no signature knows it.
WORDS = ("error", "exception", "fatal", "failed", "failure", "traceback", "panic", "denied", "abort", "killed",
         "cannot ", "could not ", "unable to ", "invalid", "unexpected", "not found", "missing")  # fmt: skip
CHAINED = ("the above exception was the direct cause", "during handling of the above exception")

_LEVEL = re.compile(r"\b(TRACE|DEBUG|INFO|NOTICE|LOG(?=:)|WARN(?:ING)?|ERROR|SEVERE|CRITICAL|FATAL)\b")
_VARYING = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b0x[0-9a-f]+\b|\b[0-9a-f]{16,}\b|\d+|'[^']{0,200}'|\"[^\"]{0,200}\""
)
_FRAME = re.compile(r'^\s*(?:at [\w.$<>/]{1,300}\(|File "|\^{2,}|\.\.\. \d{1,4} (?:more|common frames))')


@dataclass
class Line:
    """A line that may decide. `number` counts from 1; `count` is how often its template came; `said` is the text
    without what carried it."""

    number: int
    text: str
    match: Match | None
    level: str = ""
    count: int = 1
    said: str = ""

    @property
    def is_known(self) -> bool:
        return self.match is not None


@dataclass
class Triage:
    """`lines` in the order of the log; `total` lines and `size` bytes were read; `chains` are the lines between the
    parts of a chained traceback, whose earlier part is the cause."""

    lines: list[Line] = field(default_factory=list)
    total: int = 0
    size: int = 0
    chains: list[int] = field(default_factory=list)


def triage(log: str | BinaryIO, good: str | BinaryIO | None = None, lexicon: Lexicon | None = None) -> Triage:
    """The lines of `log` that may decide; `good` is the log of the last good run. Secrets in them are covered.

    Without a `lexicon` with the signatures of the files alone.
    """
    known = lexicon or built_in()
    healthy = set(_Reader(known).read(_blocks(good)).templates) if good is not None else set()
    reader = _Reader(known, healthy)
    return reader.read(_blocks(log)).found()


def template(line: str) -> str:
    """The line without what differs from run to run."""
    return _VARYING.sub("#", line[:LINE_LIMIT].lower()).strip()


def _blocks(log: str | BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Whole lines in blocks, and whether a block is the last."""
    if isinstance(log, str):
        yield log.encode("utf-8", "replace"), True
        return
    rest, now = b"", log.read(BLOCK)
    while now:
        after = log.read(BLOCK)
        cut = len(now) if not after else now.rfind(b"\n") + 1 or len(now)
        yield rest + now[:cut], not after
        rest, now = now[cut:], after


@dataclass
class _Reader:
    lexicon: Lexicon
    healthy: set[str] = field(default_factory=set)
    templates: dict[str, list[Line]] = field(default_factory=dict)
    worn: dict[int, int] = field(default_factory=dict)
    result: Triage = field(default_factory=Triage)

    def read(self, blocks: Iterable[tuple[bytes, bool]]) -> _Reader:
        finder, hits = _finder(self.lexicon, frozenset()), dict[int, int]()
        for block, is_last in blocks:
            if is_last and len(block) > TAIL and self.worn:
                cut = block.rfind(b"\n", 0, len(block) - TAIL) + 1
                self._block(block[:cut], finder, hits)
                self._block(block[cut:], _finder(self.lexicon, frozenset()), hits)
            else:
                self._block(block, finder, hits)
            if any(count > WORN for count in hits.values()):
                self.worn |= {which: count for which, count in hits.items() if count > WORN}
                finder, hits = _finder(self.lexicon, frozenset(self.worn)), {}
        return self

    def found(self) -> Triage:
        kept = [line for lines in self.templates.values() for line in lines]
        self.result.lines = sorted(kept, key=lambda line: line.number)
        return self.result

    def _block(self, block: bytes, finder: BytesAhoCorasick, hits: dict[int, int]) -> None:
        at, number, done = 0, self.result.total + 1, -1
        for which, start, _ in finder.find_matches_as_indexes(block.lower()):
            hits[which] = hits.get(which, 0) + 1
            if start < done:
                continue  # this line was looked at
            begin = block.rfind(b"\n", 0, start) + 1
            end = block.find(b"\n", start)
            done = end if end >= 0 else len(block)
            number, at = number + block.count(b"\n", at, begin), begin
            before = block[block.rfind(b"\n", 0, max(begin - 1, 0)) + 1 : begin][:200]
            self._line(number, block[begin : min(done, begin + 4 * LINE_LIMIT)], before, block[done : done + AFTER])
        self.result.total += block.count(b"\n") + (not block.endswith(b"\n") and bool(block))
        self.result.size += len(block)

    def _line(self, number: int, raw: bytes, before: bytes, after: bytes) -> None:
        text = _text(raw)
        said = carried(text)
        if said.lower().strip().startswith(CHAINED):
            self.result.chains.append(number)
            return
        inside = parts(raw.decode("utf-8", "replace")) if "{" in said[:2] else []
        is_frame = (
            bool(_FRAME.match(said))
            or (said[:1].isspace() and _is_place(carried(_text(before))))
            or (b"\\n" not in raw and any(map(_FRAME.match, inside)))
        )
        if is_frame and not ((known := self.lexicon.match(number, said)) and known.signature.in_frames):
            return  # a frame, or the code that it quotes
        shape = template("\n".join(inside) or said)
        if shape in self.healthy:
            return
        if lines := self.templates.get(shape):
            lines[0].count += 1
            if len(lines) >= REPEATS:
                return
        elif len(self.templates) >= KEPT:
            return
        covered, level = redact(said), _LEVEL.search(said[:120])
        known = self._packed(number, inside or _packed(raw), before) or self.lexicon.match(number, covered)
        if known and known.signature.follow:
            next_lines = after.split(b"\n")[: FOLLOW_LINES + 1]
            known = followed(known, [redact(carried(_text(line))) for line in next_lines])
        line = Line(number, redact(text), known, level[1] if level else "", said=covered)
        self.templates.setdefault(shape, []).append(line)

    def _packed(self, number: int, inside: list[str], before: bytes) -> Match | None:
        """Of a line that holds many: the best known, the last of equals."""
        found, came, place = [], b'File \\"' in before, False
        for part in inside:
            quotes, place = part[:1].isspace() and (came or place), _is_place(part)
            if not quotes and not _FRAME.match(part) and (known := self.lexicon.match(number, redact(part))):
                found.append(known)
        return min(reversed(found), key=lambda known: RANKS.index(known.signature.rank), default=None)


def _packed(raw: bytes) -> list[str]:
    """The lines that are written as one, in no envelope."""
    return [_text(part) for part in raw.split(b"\\n")] if raw.count(b"\\n") > 1 else []


def _is_place(line: str) -> bool:
    """Whether it names a place in the code, which the next line quotes."""
    return line.lstrip().startswith('File "')


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")[:LINE_LIMIT].rstrip()


@lru_cache(maxsize=4)
def _literals(lexicon: Lexicon) -> tuple[str, ...]:
    return tuple(sorted(lexicon.literals | set(WORDS) | set(CHAINED)))


@lru_cache(maxsize=16)
def _finder(lexicon: Lexicon, without: frozenset[int]) -> BytesAhoCorasick:
    """Places stay the same when literals are worn: an emptied one is replaced by a text that no log has."""
    return BytesAhoCorasick(
        [b"\x00worn" if at in without else literal.encode() for at, literal in enumerate(_literals(lexicon))]
    )
