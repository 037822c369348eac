"""Entries that are worded like a question: full text weighed by how rare a word is, misspelt words by trigrams."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import log
from typing import Any

from knowledge.among import Among, fetch
from knowledge.index import parts
from knowledge.rule import Case
from knowledge.thesaurus import widened
from knowledge.vocabulary import look_up

ASKED = 2_000  # characters of the question that are used
LOG, LINES = 20_000, 8  # characters and lines of the end of a log, without what only tells of progress
_LONG = re.compile(r"\b[a-z]{5,20}\b")
_CHATTER = re.compile(r"\b(DEBUG|INFO|TRACE)\b")
_STAMP = re.compile(r"\b\d{4}-\d\d-\d\d[T ]?|\b\d\d:\d\d:\d\d\S*|(?<![\w.:])\d{1,2}(?![\w.:])")
WORDS = 24  # of a question, the rarest
RARE = 8  # of them, by which entries are found; the others only put those in order
COMMON = 0.02  # share of the entries above which a word finds nothing by itself
FEW = 50  # entries; below that every word may find something
FOUND = 120  # entries that are put in order
IN_TITLE = 0.5  # how much more a word tells that is in the title

# The inner table keeps its own name, because the condition of who may see it is made by the ORM.
_RANKED = """
WITH word AS (
    SELECT n - 1 AS n, lexeme::tsquery AS lexeme, (lexeme || 'A')::tsquery AS in_title, weight, n <= %s AS is_rare
      FROM unnest(%s::text[], %s::float8[]) WITH ORDINALITY AS word (lexeme, weight, n)
), found AS (
    SELECT hit.id FROM word CROSS JOIN LATERAL (
        SELECT knowledge_entry.id FROM knowledge_entry WHERE knowledge_entry.search @@ word.lexeme AND {visible}) AS hit
     WHERE word.is_rare GROUP BY hit.id ORDER BY sum(word.weight) DESC, hit.id DESC LIMIT %s
)
SELECT entry.id, sum(word.weight * CASE WHEN entry.search @@ word.in_title THEN %s ELSE 1 END), array_agg(word.n)
  FROM found JOIN knowledge_entry AS entry USING (id) JOIN word ON entry.search @@ word.lexeme
 GROUP BY entry.id ORDER BY 2 DESC, entry.id DESC LIMIT %s
"""


@dataclass(frozen=True)
class Worded:
    entry: int
    score: float
    words: tuple[str, ...]


@dataclass(frozen=True)
class Word:
    """One word of the question, as it is in the entries."""

    asked: str
    lexeme: str
    weight: float
    is_rare: bool

    @property
    def shown(self) -> str:
        return self.asked if self.asked == self.lexeme else f"{self.lexeme} for {self.asked}"

    @property
    def quoted(self) -> str:
        return "'" + self.lexeme.replace("\\", "\\\\").replace("'", "''") + "':"


def by_text(case: Case, among: Among, limit: int) -> list[Worded]:
    """The entries of `among` that share the most telling words with the case, best first. Two queries."""
    words = telling(*question(case))
    if not words or not words[0].is_rare:
        return []
    rare = min(sum(word.is_rare for word in words), RARE)
    sent: list[Any] = [rare, [word.quoted for word in words], [word.weight for word in words]]
    rows = fetch(_RANKED.format(visible=among.condition), [*sent, *among.values, FOUND, 1 + IN_TITLE, limit])
    return [Worded(pk, score, tuple(dict.fromkeys(words[n].shown for n in sorted(which)))) for pk, score, which in rows]


def question(case: Case) -> tuple[str, str]:
    """What the case says in its own words; and names of what broke, which say less: rules and lineage know them."""
    names = [name for name, distance in case.assets.items() if distance == 0]
    own = said(case)
    about = " ".join([*names, case.subtype.replace("_", " ")])[:ASKED]
    return f"{own} {' '.join(parts(own))}", f"{about} {' '.join(parts(about))}"


def said(case: Case) -> str:
    """What is asked, and the end of the log, without what only tells of time and progress."""
    log = [line for line in case.error[-LOG:].splitlines() if not _CHATTER.search(line)]
    return _STAMP.sub(" ", "\n".join([case.text[:ASKED], "\n".join(log[-LINES:])[-ASKED:]]))


def telling(said: str, about: str) -> list[Word]:
    """The words of a question that are in some entry, the rarest first."""
    everything, found = look_up(said, " ".join([about, *widened(said), *swapped(said)]))
    everything = max([everything, FEW, *(entries for _, _, entries, _ in found)])
    most = max(COMMON * everything, FEW)
    words = [
        Word(asked, lexeme, worth * log(1 + everything / max(entries, 1)), entries <= most)
        for asked, lexeme, entries, worth in found
    ]
    return sorted(words, key=lambda word: (not word.is_rare, -word.weight, word.lexeme))[:WORDS]


def swapped(text: str) -> list[str]:
    """Its longer words with each two neighbouring letters the other way round: trigrams miss that slip of the hand."""
    words = list(dict.fromkeys(_LONG.findall(text.lower())))[:WORDS]
    return [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for word in words for at in range(len(word) - 1)]
