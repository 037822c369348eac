"""What a line is about when no pattern knows it: its words, compared with those of every known text."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

from incidents.signatures import load
from incidents.subtypes import Subtype

NEAREST = 15  # known texts that vote, the nearest far more than the others
ENOUGH = 0.22  # of similarity: less than this is chance
STEM = 6  # letters of a word that are compared: failed, failure and failing are one

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_EMPTY = frozenset(
    re.split(
        " ",
        "the and for was with that from has this are not but its error except failed failur traceb warn info java org "
        "com apache lang line caused task model run job",
    )
)


def likely(lines: Iterable[str]) -> tuple[Subtype, float] | None:
    """The subtype that the lines sound like, and how clearly from 0 to 1; None where they sound like nothing."""
    wanted = Counter(word for line in lines for word in words(line))
    texts, rarity = _known()
    vector = {word: count**0.5 * rarity[word] for word, count in wanted.items() if word in rarity}
    size = math.sqrt(sum(value * value for value in vector.values()))
    if not size:
        return None
    scored = sorted(
        ((sum(vector.get(word, 0.0) * value for word, value in known.items()) / size, kind) for kind, known in texts),
        key=lambda pair: -pair[0],
    )[:NEAREST]
    votes: dict[str, float] = {}
    for likeness, kind in scored:
        votes[kind.failure_class] = votes.get(kind.failure_class, 0.0) + likeness**3
    first = max(votes, key=lambda failure_class: votes[failure_class])
    likeness, nearest = next(pair for pair in scored if pair[1].failure_class == first)
    return (nearest, votes[first] / sum(votes.values())) if likeness >= ENOUGH else None


def words(text: str) -> list[str]:
    stems = (found.lower()[:STEM] for found in _WORD.findall(text))
    return [stem for stem in stems if len(stem) > 2 and stem not in _EMPTY]


@cache
def _known() -> tuple[list[tuple[Subtype, dict[str, float]]], dict[str, float]]:
    """Each known text as a vector of length one, and how rare each word is in them."""
    texts = [(one.kind, Counter(words(f"{one.matches} {one.means} {one.kind.means}"))) for one in load()]
    spread = Counter(word for _, counted in texts for word in counted)
    rarity = {word: math.log(len(texts) / count) + 0.1 for word, count in spread.items()}
    vectors = []
    for kind, counted in texts:
        vector = {word: count**0.5 * rarity[word] for word, count in counted.items()}
        size = math.sqrt(sum(value * value for value in vector.values())) or 1.0
        vectors.append((kind, {word: value / size for word, value in vector.items()}))
    return vectors, rarity
