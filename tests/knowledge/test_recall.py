from __future__ import annotations

from datetime import date
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from app.bench import recall as bench
from app.bench.notes import notes, questions
from app.core.audit import Actor
from app.core.models import User
from knowledge.cite import cite, settle
from knowledge.models import Citation, Entry, Word
from knowledge.recall import recall
from knowledge.rule import Case
from knowledge.write import Content, create, update

RATES = "Partner rates answer only at night"


def write(by: User, title: str, rule: str = "", body: str = "", **more: Any) -> Entry:
    content = Content("runbook", title, rule, body, **more)
    return create(content, by=by, actor=Actor.of(by), source="web")


def titles(case: Case) -> list[str]:
    return [hit.entry.title for hit in recall(case)]


def test_a_question_in_other_words_finds_the_note_and_says_by_which(operator: User) -> None:
    write(operator, RATES, body="The API of Eastwell refuses all day.")
    write(operator, "Invoices arrive twice", body="The exporter of Northgate replays the last file.")
    (hit,) = recall(Case(text="When may I call Eastwell?"))
    assert (hit.entry.title, hit.why, hit.distance, hit.applies) == (RATES, "worded alike: eastwel", None, False)
    assert titles(Case(text="We see double entries from Northgate")) == ["Invoices arrive twice"]


@pytest.mark.parametrize(
    "typed", ["Eastwel", "Esatwell", "eastwell", "Eastwells", "raw.eastwell_rates", "loadEastwell"]
)
def test_a_slip_of_the_hand_or_another_form_finds_it_too(operator: User, typed: str) -> None:
    write(operator, RATES, body="The API of Eastwell refuses all day.")
    assert titles(Case(text=f"What about {typed}?")) == [RATES]


def test_an_error_that_a_rule_knows_comes_before_a_note_on_the_asset(operator: User) -> None:
    write(operator, "About the asset", "asset = raw.rates", body="E4711 was seen here once, they say.")
    write(operator, "About the error", 'error ~ "E4711"')
    write(operator, "About something else", 'error ~ "E4712"')
    assert titles(Case(assets={"raw.rates": 0}, error="INFO E4712\nE4711: job failed"))[:2] == [
        "About the error",
        "About the asset",
    ]


def test_the_nearer_asset_and_the_closer_rule_come_first(operator: User) -> None:
    for title, rule in (("far", "asset = raw.fx"), ("near", "asset = raw.rates"), ("all", "asset = raw.*"),
                        ("closer", "asset = raw.rates and class = data"), ("other", "asset = raw.other")):  # fmt: skip
        write(operator, title, rule)
    case = Case(assets={"raw.rates": 0, "raw.fx": 2}, failure_class="data")
    assert titles(case) == ["closer", "near", "all", "far"]


def test_what_misled_or_is_overdue_is_weighed_down(operator: User) -> None:
    good, overdue, misled = (
        write(operator, title, "asset = raw.rates", review_by=date(2020, 1, 1) if title == "overdue" else None)
        for title in ("good", "overdue", "misled")
    )
    for diagnosis in range(3):
        cite({misled.pk: 1}, diagnosis=diagnosis, incident=diagnosis)
        settle(diagnosis, "misled")
    cite({good.pk: 1, overdue.pk: 1}, diagnosis=9, incident=9)
    settle(9, "right")
    assert settle(9, "misled") == 0  # settled once
    assert Citation.objects.count() == 5
    assert titles(Case(assets={"raw.rates": 0})) == ["good", "overdue", "misled"]


def test_what_an_entry_no_longer_says_no_longer_finds_it(operator: User) -> None:
    made = write(operator, RATES, body="The API of Eastwell refuses all day.")
    update(made, Content("runbook", RATES, body="Ask Westpoint."), version=1, by=operator,
           actor=Actor.of(operator), source="web")  # fmt: skip
    assert titles(Case(text="Eastwell")) == []
    assert titles(Case(text="Westpoint")) == [RATES]
    assert Word.objects.get(lexeme="eastwel").entries == 0


def test_a_recall_takes_the_same_few_queries_however_many_entries_there_are(operator: User) -> None:
    case = Case(assets={f"raw.rates_{n}": n for n in range(40)}, error="E1: failed", text="rates of Eastwell")
    counts = []
    for many in (1, 40):
        for number in range(many):
            write(operator, f"Rates of Eastwell {number} {many}", f"asset = raw.rates_{number}")
        with CaptureQueriesContext(connection) as queries:
            assert recall(case)
        counts.append(len(queries))
    assert counts == [6, 6]


@pytest.mark.parametrize(
    "text", ["'", "\\", "a' | !b & (c:*", "<->", "%_%", "0", "  ", "'; DROP TABLE x; --", "\u0000"]
)
def test_hostile_words_are_words(operator: User, text: str) -> None:
    write(operator, RATES, body="It's a quote ' and a \\ slash; DROP.")
    recall(Case(text=text.replace("\0", ""), error=text.replace("\0", ""), assets={text.replace("\0", "x"): 0}))


def test_of_many_notes_the_right_one_comes_first(db: None) -> None:
    """The bench in small; its bar is for 20,000 notes."""
    made = notes(3_000, Random(bench.SEED))  # noqa: S311
    bench.seed(made)
    asked = questions(made, 100, Random(1))  # noqa: S311
    right = sum(bool(found) and found[0].entry.pk == one.answer + 1 for one in asked if (found := recall(one.case)))
    assert right >= 90
