"""Find again what people wrote: by asset and lineage, by rule, by text; each hit says why it was found.

Three rankings are fused by reciprocal rank (Cormack, Clarke, Büttcher: Reciprocal Rank Fusion, SIGIR 2009), then
weighed by how far an entry can be relied on. A ranking by vectors would be a fourth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from app.core.models import User
from knowledge.by_text import Worded, by_text
from knowledge.hints import Hint, parse
from knowledge.index import is_narrow, keys
from knowledge.models import Entry
from knowledge.queries import with_use
from knowledge.rights import visible
from knowledge.rule import TEXT_LIMIT, Case, Why, matches
from knowledge.rule import parse as parse_rule

LIMIT = 8  # entries in one recall: more than anybody reads at night
CANDIDATES = 600  # entries whose rule is tried, those with a narrow key first
RANKED = 60  # of each ranking that are fused
WEIGHED = 40  # of the fused ones that are read whole
FLAT = 60.0  # the constant of the fusion: how little the first ranks differ
WORTH = (1.5, 2.0, 1.0)  # of the rankings: by asset and lineage, by the other conditions of a rule, by text
TELLING = 1.5  # closeness of the other conditions from which they rank: a class or a connector alone does not
OVERDUE, MISLED = 0.9, 0.5  # what is left of a score when the review is overdue, and when it always misled
DESCRIBED = 0.6  # and of what a project says of its own models, which is rarely about what breaks


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
    among = Entry.objects.filter(visible(viewer), state="signed")
    ruled = _by_rule(case, among)
    worded = {each.entry: each for each in by_text(case, among, RANKED)}
    scores: dict[int, float] = {}
    for worth, ranking in zip(WORTH, _rankings(ruled, list(worded)), strict=True):
        for rank, pk in enumerate(ranking[:RANKED], 1):
            scores[pk] = scores.get(pk, 0.0) + worth / (FLAT + rank)
    best = sorted(scores, key=lambda pk: (-scores[pk], -pk))[:WEIGHED]
    rows = {row.pk: row for row in with_use(among.filter(pk__in=best)).select_related("author", "owner")}
    today = timezone.now().date()
    kept = [row for row in rows.values() if row.pk in ruled or not _is_about_another(row, case)]
    weighed = {row.pk: scores[row.pk] * reliance(row, today) for row in kept}
    first = sorted(weighed, key=lambda pk: (-weighed[pk], -pk))[:limit]
    return [_hit(rows[pk], weighed[pk], ruled.get(pk), worded.get(pk)) for pk in first]


def reliance(entry: Entry, today: date) -> float:
    """How far an entry can be relied on: less when its review is overdue, and the more often it misled."""
    misled, right = getattr(entry, "misled", 0), getattr(entry, "right", 0)
    share = misled / (misled + right + 2)
    fresh = OVERDUE if entry.review_by and entry.review_by < today else 1.0
    return fresh * (DESCRIBED if entry.is_read_only else 1.0) * (1 - MISLED * share)


def _by_rule(case: Case, among: QuerySet[Entry]) -> dict[int, Why]:
    """Why the rule of each entry holds, with an asset at any distance. One query."""
    asked = keys(case)
    narrow = RawSQL("anchors && %s::varchar[]", [[key for key in asked if is_narrow(key)]], BooleanField())
    keyed = among.filter(anchors__overlap=asked).order_by(narrow.desc(), "-updated_at")
    rows = keyed.values_list("pk", "rule")[:CANDIDATES]
    if case.error:
        said = RawSQL("SELECT id FROM knowledge_entry WHERE needle <> '' AND strpos(%s, needle) > 0",
                      [case.error[-TEXT_LIMIT:].lower()])  # fmt: skip
        rows = rows.union(among.filter(pk__in=said).values_list("pk", "rule")[:CANDIDATES], all=True)
    far = max(case.assets.values(), default=0)
    return {pk: why for pk, rule in rows if (why := matches(rule, case, reach=far))}


def _is_about_another(entry: Entry, case: Case) -> bool:
    """Whether it names an asset that is nowhere near: that it is worded alike does not help then."""
    return bool(case.assets) and any(condition.field == "asset" for condition in parse_rule(entry.rule))


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


def _hit(entry: Entry, score: float, why: Why | None, worded: Worded | None) -> Hit:
    said: Sequence[str] = [
        *([why.text] if why else []),
        *([f"worded alike: {', '.join(worded.words[:5])}"] if worded and not why else []),
    ]
    distance = why.distance if why else None
    return Hit(entry, "; ".join(said), score, distance, distance == 0, parse(entry.hints))
