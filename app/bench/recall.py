"""Whether the right note comes first, and how fast: 20,000 notes and 200 questions in a scratch database."""

from __future__ import annotations

import time
from random import Random
from statistics import quantiles

from django.db import connection
from django.test.utils import CaptureQueriesContext

from app.bench.notes import Note, Question, notes, questions
from app.bench.pages import scratch
from app.bench.result import Result
from app.core.models import User
from knowledge import vocabulary
from knowledge.index import anchors, needle, words
from knowledge.models import Entry
from knowledge.recall import recall

SEED, ASKED = 20261120, 200
LIMIT_MS, RIGHT = 40, 0.90
BATCH = 2_000


def bench(count: int) -> Result:
    """Every question once to warm up, then once while the clock runs."""
    random = Random(SEED)  # noqa: S311  (a bench that can be repeated)
    with scratch():
        made = notes(count, random)
        asked = questions(made, ASKED, random)
        seed(made)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM knowledge_entry")  # as the server does by itself within a minute
        for question in asked:
            recall(question.case)
        taken, per_kind = [], dict[str, list[bool]]()
        for question in asked:
            start = time.perf_counter()
            found = recall(question.case)
            taken.append((time.perf_counter() - start) * 1000)
            is_right = bool(found) and found[0].entry.pk == question.answer + 1
            per_kind.setdefault(question.kind, []).append(is_right)
        return _result(count, taken, per_kind, _queries(asked[0]))


def seed(made: list[Note]) -> None:
    """As `knowledge.write` would store them, in bulk."""
    author = User.objects.create_user("bench", roles=["operator"])
    for start in range(0, len(made), BATCH):
        Entry.objects.bulk_create(
            Entry(
                pk=note.number + 1, kind="runbook", title=note.title, rule=note.rule, body=note.body, author=author,
                anchors=anchors(note.rule), needle=needle(note.rule), words=words(note.title, note.rule, note.body, ()),
            )
            for note in made[start : start + BATCH]
        )  # fmt: skip
    vocabulary.count_all()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE knowledge_entry")
        cursor.execute("ANALYZE knowledge_word")


def _queries(question: Question) -> int:
    with CaptureQueriesContext(connection) as queries:
        recall(question.case)
    return len(queries)


def _result(count: int, taken: list[float], per_kind: dict[str, list[bool]], queries: int) -> Result:
    cuts = quantiles(taken, n=20)
    share = sum(map(sum, per_kind.values())) / len(taken)
    kinds = {kind: round(sum(one) / len(one), 3) for kind, one in per_kind.items()}
    report = {"notes": count, "questions": len(taken), "p50_ms": round(cuts[9], 1), "p95_ms": round(cuts[18], 1),
              "limit_ms": LIMIT_MS, "right_first": round(share, 3), "by_kind": kinds, "queries": queries}  # fmt: skip
    rows = (
        f"{count:,} notes, {len(taken)} questions: the right note first in {share:.1%} "
        f"({', '.join(f'{kind} {part:.0%}' for kind, part in kinds.items())})",
        f"p50 {cuts[9]:.1f} ms  p95 {cuts[18]:.1f} ms  {queries} queries",
    )
    missed = [f"p95 is {cuts[18]:.1f} ms, above {LIMIT_MS}."] if cuts[18] > LIMIT_MS else []
    missed += [f"The right note came first in {share:.1%}, below {RIGHT:.0%}."] if share < RIGHT else []
    return Result(rows, report, tuple(missed))
