"""The editor: what is typed is saved, kept, compared and signed, and nothing of it is lost."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from app.core.models import AuditRecord
from knowledge.hints import Contact
from knowledge.models import Entry
from tests import factories
from tests.pages.seed_knowledge import RULE, WINDOW, sent, value, write


@pytest.fixture
def entry(cast: dict[str, Any]) -> Entry:
    return write(cast["on_call"], "Partner rates", RULE, "Wait.\nThen retry.", *WINDOW)


def test_what_is_typed_becomes_an_entry_with_its_hints(console: Any, cast: dict[str, Any]) -> None:
    answer = console.post("/knowledge/new/", sent(act="save", owner=str(cast["on_call"].pk)))
    made = Entry.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/knowledge/{made.pk}/")
    assert (made.state, made.body, made.owner) == ("signed", "Wait.\nThen retry.", cast["on_call"])
    assert [hint["kind"] for hint in made.hints] == ["retry_window", "contact"]
    assert made.hints[0]["most_retries"] == 1 and str(made.review_by) == "2027-02-14"
    page = console.get(f"/knowledge/{made.pk}/").content.decode()
    assert value(page, "retry_window-start") == "02:47" and "Saved. Diagnoses use it from now on." in page


@pytest.mark.parametrize(
    ("field", "wrong", "words"),
    [
        ("title", " ", "Give it a title."),
        ("rule", "asset is x", "Line 1, character 6: After asset comes = or in."),
        ("retry_window-start", "2:47", "From: a time is written as 02:47."),
        ("retry_window-when", "", "This is needed too."),
        ("retry_window-zone", "Mars/Base", "is no time zone"),
        ("header-name", "X-Key", "This is needed too."),
        ("header-reference", "s3cret-value", "vault://connection/name, never the value"),
        ("expected_change-low", "ten", "Low is a number."),
        ("known_flaky-minutes", "soon", "Minutes is a whole number."),
        ("review_by", "tomorrow", "Enter a valid date."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    console: Any, cast: dict[str, Any], field: str, wrong: str, words: str
) -> None:
    more = {"header-name": "X-Key", "header-host": "a.b"} if field == "header-reference" else {}
    more |= {"expected_change-direction": "up", "expected_change-high": "9"} if "expected" in field else {}
    more |= {"known_flaky-recovery": "itself"} if "flaky" in field else {}
    answer = console.post("/knowledge/new/", sent() | more | {field: wrong})
    page = answer.content.decode()
    assert answer.status_code == 422 and words in page
    assert "Then retry." in page and "Not saved yet" in page
    assert not Entry.objects.exists()


def test_saving_makes_a_version_and_saving_the_same_makes_none(console: Any, entry: Entry) -> None:
    console.post(f"/knowledge/{entry.pk}/save/", sent())
    entry.refresh_from_db()
    assert entry.version == 2  # the owner and the review date were changed
    console.post(f"/knowledge/{entry.pk}/save/", sent(version="2"))
    console.post(f"/knowledge/{entry.pk}/save/", sent(version="2", body="Wait longer."))
    entry.refresh_from_db()
    assert (entry.version, entry.body) == (3, "Wait longer.")
    page = console.get(f"/knowledge/{entry.pk}/versions/3/").content.decode()
    assert '<span class="del">-Wait.</span>' in page and '<span class="add">+Wait longer.</span>' in page
    console.post(f"/knowledge/{entry.pk}/versions/1/restore/", {"version": "3"})
    entry.refresh_from_db()
    assert (entry.version, entry.body) == (4, "Wait.\nThen retry.")
    assert AuditRecord.objects.filter(event="knowledge.changed", source__door="web").count() == 3


def test_two_people_who_edit_at_once_see_both_texts_and_lose_none(
    console: Any, client: Any, cast: dict[str, Any], entry: Entry
) -> None:
    client.force_login(cast["lead"])
    client.post(f"/knowledge/{entry.pk}/save/", sent(body="Lead says: ask first.", rule="asset = raw.sales"))
    client.force_login(cast["on_call"])
    answer = client.post(f"/knowledge/{entry.pk}/save/", sent(body="Engineer says: retry.", title="Rates of partners"))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Lead says: ask first." in page and "Engineer says: retry." in page and "Platform lead" in page
    assert "You had not touched the match rule" in page
    assert "\nasset = raw.sales</textarea>" in page  # only the lead had changed it
    assert value(page, "version") == "2"
    merged = sent(version="2", body="Ask first, then retry.", title="Rates of partners", rule="asset = raw.sales")
    assert client.post(f"/knowledge/{entry.pk}/save/", merged).status_code == 302
    said = list(entry.revisions.order_by("number").values_list("body", flat=True))
    assert said == ["Wait.\nThen retry.", "Lead says: ask first.", "Ask first, then retry."]


def test_hints_beyond_the_fields_stay_unless_they_are_unchecked(console: Any, cast: dict[str, Any]) -> None:
    made = write(cast["on_call"], "Two contacts", "", "", *WINDOW, Contact("ada"))
    page = console.get(f"/knowledge/{made.pk}/").content.decode()
    kept = unescape(value(page, "extra"))
    console.post(f"/knowledge/{made.pk}/save/", sent(extra=kept))
    made.refresh_from_db()
    assert [hint["kind"] for hint in made.hints] == ["retry_window", "contact", "contact"]
    console.post(f"/knowledge/{made.pk}/save/", sent(version="2"))
    made.refresh_from_db()
    assert made.hints[-1]["who"] == "partner-integrations" and len(made.hints) == 2


def test_a_draft_entry_waits_for_its_signature(console: Any, cast: dict[str, Any]) -> None:
    console.post("/knowledge/new/", sent(act="draft"))
    made = Entry.objects.get()
    assert made.state == "draft" and "Save and sign" in console.get(f"/knowledge/{made.pk}/").content.decode()
    console.post(f"/knowledge/{made.pk}/save/", sent(act="sign", body="Corrected."))
    made.refresh_from_db()
    assert (made.state, made.version, made.body, made.signed_by) == ("signed", 2, "Corrected.", cast["on_call"])
    assert console.post(f"/knowledge/{made.pk}/sign/", {"version": "1"}).status_code == 422  # it is no draft any more


def test_a_hint_that_loosens_safety_is_refused_with_words_and_kept_as_a_draft(
    console: Any, cast: dict[str, Any]
) -> None:
    loose = {"expected_change-column": "amount", "expected_change-direction": "up", "expected_change-low": "5",
             "expected_change-high": "15"}  # fmt: skip
    answer = console.post("/knowledge/new/", sent() | loose)
    assert answer.status_code == 403 and "An administrator has to sign that" in answer.content.decode()
    assert console.post("/knowledge/new/", sent(act="draft") | loose).status_code == 302
    made = Entry.objects.get()
    page = console.get(f"/knowledge/{made.pk}/").content.decode()
    assert "An administrator has to sign that" in page and "Save and sign" not in page
    console.force_login(factories.user("boss", "administrator"))
    console.post(f"/knowledge/{made.pk}/save/", sent(act="sign") | loose)
    made.refresh_from_db()
    assert made.state == "signed"


def test_the_cost_of_the_editor_does_not_grow_with_its_history(console: Any, entry: Entry) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            console.get(f"/knowledge/{entry.pk}/")
        return len(queries)

    before = cost()
    for number in range(1, 12):
        console.post(f"/knowledge/{entry.pk}/save/", sent(version=str(number), body=f"Text {number}"))
    console.get(f"/knowledge/{entry.pk}/")  # shows the messages of the saves
    assert cost() == before <= 16
