"""Find again what people wrote: by asset and lineage, by rule, by text, by meaning; each hit says why it was found.

The rankings are fused by reciprocal rank (Cormack, Clarke, Büttcher: Reciprocal Rank Fusion, SIGIR 2009), then weighed
by how far an entry can be relied on. That by meaning is there where a model makes vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from app.core.models import User
from knowledge.among import fetch, signed_for
from knowledge.by_meaning import by_meaning
from knowledge.by_rule import by_rule
from knowledge.by_text import Worded, by_text
from knowledge.hints import Hint, parse
from knowledge.models import Entry
from knowledge.rule import Case, Why
from knowledge.rule import parse as parse_rule

LIMIT = 8  # entries in one recall: more than anybody reads at night
RANKED = 60  # of each ranking that are fused
WEIGHED = 40  # of the fused ones that are weighed
FLAT = 60.0  # the constant of the fusion: how little the first ranks differ
WORTH = (1.5, 2.0, 1.0, 1.0)  # of the rankings: by asset and lineage, by the rest of a rule, by text, by meaning
TELLING = 1.5  # closeness of the other conditions from which they rank: a class or a connector alone does not
OVERDUE, MISLED = 0.9, 0.5  # what is left of a score when the review is overdue, and when it always misled
DESCRIBED = 0.6  # and of what a project says of its own models, which is rarely about what breaks

_STANDING = """
SELECT entry.id, rule, origin, review_by, count(*) FILTER (WHERE outcome = 'right'),
       count(*) FILTER (WHERE outcome = 'misled')
  FROM knowledge_entry AS entry LEFT JOIN knowledge_citation AS citation ON citation.entry_id = entry.id
 WHERE entry.id = ANY(%s) GROUP BY entry.id
"""


@dataclass(frozen=True)
class Standing:
    """What tells how far an entry can be relied on."""

    rule: str
    origin: str
    review_by: date | None
    # Diagnoses that cited it and were right, or misled.
    right: int
    misled: int


@dataclass(frozen=True)
class Hit:
    """An entry that may help, and why it was found."""

    entry: Entry
    why: str
    score: float
    # Steps upstream of what broke; None where only the text is alike.
    distance: int | None
    # Its rule holds for this very case: only then are its hints acted on.
    applies: bool
    hints: tuple[Hint, ...]


def recall(case: Case, viewer: User | None = None, *, limit: int = LIMIT) -> list[Hit]:
    """Signed entries for the case that `viewer` may see, the most helpful first; None is a diagnosis.

    A constant number of queries, however many entries there are.
    """
    among = signed_for(viewer)
    if among is None:
        return []
    ruled = by_rule(case, among)
    worded = {each.entry: each for each in by_text(case, among, RANKED)}
    near = by_meaning(case, among)
    scores: dict[int, float] = {}
    for worth, ranking in zip(WORTH, (*_rankings(ruled, list(worded)), list(near)), strict=True):
        for rank, pk in enumerate(ranking[:RANKED], 1):
            scores[pk] = scores.get(pk, 0.0) + worth / (FLAT + rank)
    best = sorted(scores, key=lambda pk: (-scores[pk], -pk))[:WEIGHED]
    today = timezone.now().date()
    kept = {pk: of for pk, of in _standings(best).items() if pk in ruled or not _is_about_another(of.rule, case)}
    weighed = {pk: scores[pk] * reliance(of, today) for pk, of in kept.items()}
    first = sorted(weighed, key=lambda pk: (-weighed[pk], -pk))[:limit]
    rows = among.rows.select_related("author", "owner").in_bulk(first)
    return [_hit(rows[pk], weighed[pk], ruled.get(pk), worded.get(pk), near.get(pk)) for pk in first if pk in rows]


def reliance(of: Standing, today: date) -> float:
    """How far an entry can be relied on: less when its review is overdue, and the more often it misled."""
    share = of.misled / (of.misled + of.right + 2)
    fresh = OVERDUE if of.review_by and of.review_by < today else 1.0
    return fresh * (DESCRIBED if of.origin == "dbt" else 1.0) * (1 - MISLED * share)


def _standings(pks: list[int]) -> dict[int, Standing]:
    return {pk: Standing(*row) for pk, *row in fetch(_STANDING, [pks])}


def _is_about_another(rule: str, case: Case) -> bool:
    """Whether it names an asset that is nowhere near: that it is worded alike does not help then."""
    return bool(case.assets) and any(condition.field == "asset" for condition in parse_rule(rule))


def _rankings(ruled: dict[int, Why], worded: list[int]) -> tuple[list[int], list[int], list[int]]:
    """By asset and lineage, by the other conditions of their rules, by text, which also decides between equals."""
    place = {pk: rank for rank, pk in enumerate(worded)}
    near = [pk for pk, why in ruled.items() if why.names_asset]
    other = [pk for pk, why in ruled.items() if why.beside >= TELLING]
    return (
        sorted(near, key=lambda pk: (-ruled[pk].closeness, place.get(pk, RANKED), -pk)),
        sorted(other, key=lambda pk: (-ruled[pk].closeness, place.get(pk, RANKED), -pk)),
        worded,
    )


def _hit(entry: Entry, score: float, why: Why | None, worded: Worded | None, close: float | None) -> Hit:
    said: Sequence[str] = [
        *([why.text] if why else []),
        *([f"worded alike: {', '.join(worded.words[:5])}"] if worded and not why else []),
        *([f"close in meaning ({close:.2f})"] if close is not None and not why else []),
    ]
    distance = why.distance if why else None
    return Hit(entry, "; ".join(said), score, distance, distance == 0, parse(entry.hints))
