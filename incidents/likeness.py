"""What a line is about when no pattern knows it: its words, compared with those of every known text."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from incidents.signatures import FOLDER, Signature, load
from incidents.subtypes import FailureClass, Subtype

ENOUGH = 0.15  # of likeness to the nearest known text: less than this is chance
STEM = 9  # letters of a word that are compared
UNSEEN = 0.3  # how often a word is taken to have come with a class with which it never came

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_EMPTY = frozenset(
    re.split(
        " ",
        "the and for was with that from has this are not but its error except exception failed failure traceback warn "
        "info java org com apache lang line caused task model run job",
    )
)


@dataclass(frozen=True)
class _Known:
    """Every known text as a vector of length one; how rare each word is; how likely it is in a class, as logarithm."""

    texts: list[tuple[Subtype, dict[str, float]]]
    rarity: dict[str, float]
    likely: dict[FailureClass, dict[str, float]]


def likely(lines: Iterable[str]) -> tuple[Subtype, float] | None:
    """The subtype that the lines sound like, and how clearly from 0 to 1; None where they sound like nothing.

    The class is the one with which the words came most (naive Bayes), the subtype that of its nearest text.
    """
    known = _known()
    wanted = Counter(word for line in lines for word in words(line) if word in known.rarity)
    if not wanted:
        return None
    said = {name: sum(odds[word] for word in wanted) for name, odds in known.likely.items()}
    first = max(said, key=lambda name: said[name])
    nearest, likeness = _nearest(wanted, first, known)
    if likeness < ENOUGH:
        return None
    # Words that come together are counted as if each were news, so that the root tempers the sum.
    clear = sum(math.exp((sums - said[first]) / math.sqrt(len(wanted))) for sums in said.values())
    return nearest, 1 / clear


def words(text: str) -> list[str]:
    stems = (found.lower()[:STEM] for found in _WORD.findall(text))
    return [stem for stem in stems if len(stem) > 2 and stem not in _EMPTY and stem not in _tools()]


def _nearest(wanted: Counter[str], failure_class: FailureClass, known: _Known) -> tuple[Subtype, float]:
    vector = _unit({word: count**0.5 * known.rarity[word] for word, count in wanted.items()})
    texts = (pair for pair in known.texts if pair[0].failure_class == failure_class)
    scored = ((kind, sum(vector.get(word, 0.0) * value for word, value in text.items())) for kind, text in texts)
    return max(scored, key=lambda pair: pair[1])


@cache
def _tools() -> frozenset[str]:
    """Names of tools: they say where it broke, and not what."""
    return frozenset(part[:STEM] for path in FOLDER.glob("*.toml") for part in path.stem.split("_"))


@cache
def _known() -> _Known:
    counted = [(one.kind, Counter(words(_text(one)))) for one in load()]
    spread = Counter(word for _, text in counted for word in text)
    rarity = {word: math.log(len(counted) / count) + 0.1 for word, count in spread.items()}
    texts = [(kind, _unit({w: count**0.5 * rarity[w] for w, count in text.items()})) for kind, text in counted]
    came: dict[FailureClass, Counter[str]] = {}
    for kind, text in counted:
        came.setdefault(kind.failure_class, Counter()).update(text.keys())
    return _Known(texts, rarity, {name: _odds(words_of, spread) for name, words_of in came.items()})


def _odds(came: Counter[str], spread: Counter[str]) -> dict[str, float]:
    total = came.total() + UNSEEN * len(spread)
    return {word: math.log((came[word] + UNSEEN) / total) for word in spread}


def _text(signature: Signature) -> str:
    return f"{signature.matches} {signature.means} {' '.join(signature.literals)}"


def _unit(vector: dict[str, float]) -> dict[str, float]:
    size = math.sqrt(sum(value * value for value in vector.values())) or 1.0
    return {word: value / size for word, value in vector.items()}
