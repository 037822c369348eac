from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from app.core.audit import Actor
from app.core.models import AuditRecord, User
from integrations.email.connector import Connector
from integrations.errors import Unreachable
from knowledge import queries
from knowledge.capture import Lesson, draft_from
from knowledge.cite import cite, settle
from knowledge.hints import ExpectedChange, Hint, RetryWindow
from knowledge.life import contradictions, remind, troubles
from knowledge.models import Entry
from knowledge.recall import recall
from knowledge.rule import Case
from knowledge.write import Content, create

TODAY = date(2026, 11, 20)
DAWN, NOON = RetryWindow("inside", "02:47", "03:12"), RetryWindow("inside", "12:00", "12:30")


def write(by: User, title: str, *hints: Hint, **more: Any) -> Entry:
    content = Content("runbook", title, more.pop("rule", "asset = raw.rates"), "", hints, owner=by, **more)
    return create(content, by=by, actor=Actor.of(by), source="web")


@pytest.mark.parametrize(("days", "state"), [(-1, "overdue"), (0, "due"), (30, "due"), (31, "")])
def test_a_review_is_due_a_month_before_its_date(operator: User, days: int, state: str) -> None:
    made = write(operator, "Rates", review_by=TODAY + timedelta(days=days))
    assert queries.review_state(made, TODAY) == state
    assert bool(troubles(made, TODAY)) is bool(state)


@pytest.mark.parametrize(
    ("one", "other", "rule", "is_against"),
    [
        (DAWN, NOON, "asset = raw.rates", True),
        (DAWN, DAWN, "asset = raw.rates", False),
        (DAWN, NOON, "asset = raw.orders", False),
        (ExpectedChange("a", "up", 1, 5), ExpectedChange("a", "down", 1, 5), "asset = raw.rates", True),
        (ExpectedChange("a", "up", 1, 5), ExpectedChange("a", "up", 8, 12), "asset = raw.rates", True),
        (ExpectedChange("a", "up", 1, 5), ExpectedChange("a", "either", 4, 12), "asset = raw.rates", False),
        (ExpectedChange("a", "up", 1, 5), ExpectedChange("b", "down", 1, 5), "asset = raw.rates", False),
    ],
)
def test_two_notes_that_cannot_both_be_obeyed_contradict(
    administrator: User, one: Hint, other: Hint, rule: str, is_against: bool
) -> None:
    first, second = write(administrator, "One", one), write(administrator, "Other", other, rule=rule)
    assert [found.other for found in contradictions(first)] == ([second] if is_against else [])
    assert bool(troubles(second)) is is_against


def test_nobody_is_told_of_a_note_that_is_not_for_them(administrator: User, operator: User) -> None:
    mine, secret = write(operator, "One", DAWN), write(administrator, "Board only", NOON)
    Entry.objects.filter(pk=secret.pk).update(readers=["auditor"])
    assert contradictions(mine) == [] and not troubles(mine)
    mine.owner = administrator
    assert [found.other for found in contradictions(mine)] == [secret]


def test_its_owner_gets_one_mail_a_week(operator: User, approver: User, mailoutbox: list[Any]) -> None:
    late = write(operator, "Late", review_by=date(2020, 1, 1))
    misled = write(operator, "Misled")
    for diagnosis in (1, 2):
        cite({misled.pk: 1}, diagnosis=diagnosis, incident=diagnosis)
        settle(diagnosis, "misled")
    write(operator, "Fine", review_by=timezone.now().date() + timedelta(days=300))
    write(approver, "Theirs")
    assert (remind(), remind()) == (1, 0)
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == (["operator@example.com"], "Knowledge: 2 entries need a look")
    assert "- Late: its review was due on 1 Jan 2020." in mail.body
    assert "- Misled: it misled 2 diagnoses and was right in 0." in mail.body
    assert AuditRecord.objects.filter(event="knowledge.reminded").count() == 2
    Entry.objects.filter(pk=late.pk).update(reminded_at=timezone.now() - timedelta(days=8))
    assert remind() == 1
    assert "Misled" not in mailoutbox[1].body


def test_a_mail_that_could_not_be_sent_is_sent_the_next_time(
    operator: User, mailoutbox: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(operator, "Late", review_by=date(2020, 1, 1))

    def away(self: Connector, notice: object) -> str:
        raise Unreachable("The mail server does not answer.")

    with monkeypatch.context() as server:
        server.setattr(Connector, "post", away)
        assert remind() == 0
    assert (remind(), len(mailoutbox)) == (1, 1)


def test_a_lesson_becomes_one_draft_that_no_diagnosis_uses(operator: User) -> None:
    lesson = Lesson(7, "raw.rates", "Rates were late.", "The bank was shut.", "Ran again", ("It was a holiday.",),
                    subtype="stale")  # fmt: skip
    made = [draft_from(lesson, by=operator, actor=Actor.of(operator), source="web") for _ in range(2)]
    assert made[0].pk == made[1].pk
    assert (made[0].state, made[0].trust, made[0].title) == ("draft", "draft", "It was a holiday.")
    assert made[0].rule == "asset = raw.rates\nsubtype = stale"
    assert made[0].body == (
        "## What happened\nRates were late.\n\n## Why\nThe bank was shut.\n\n## What healed it\nRan again\n\n"
        "## In people's words\n> It was a holiday."
    )
    assert recall(Case(assets={"raw.rates": 0}, subtype="stale")) == []
