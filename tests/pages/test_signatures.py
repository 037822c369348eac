"""Settings › Signatures: lists, the editor, and what was tried before it is saved."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from app.core.models import AuditRecord, User
from incidents.own import write
from incidents.own.models import OwnSignature
from incidents.signatures import load
from incidents.subtypes import SUBTYPES
from tests import factories
from tests.incidents.own.writing import LINE, candidate, run, who

HTML = {"Accept": "text/html"}
HTMX = {"HX-Request": "true"}
GIVEN = {
    "name": "partner-feed-busy",
    "pattern": r"partner feed (?P<feed>\d+) is busy",
    "subtype": "service_unavailable",
    "means": "The partner loads its own side.",
    "rank": "cause",
    "decides": "log",
}


def signed_in(person: User) -> Client:
    client = Client(headers=HTML)
    client.force_login(person)
    return client


@pytest.fixture
def desk(approver: User) -> Client:
    return signed_in(approver)


def test_empty_it_says_what_for_and_leads_to_the_first_one(desk: Client, viewer: User) -> None:
    page = desk.get("/settings/signatures/").content.decode()
    assert "No signature of your own yet" in page and "/settings/signatures/new/" in page
    seen = signed_in(viewer).get("/settings/signatures/").content.decode()
    assert "Approvers and administrators write them." in seen and "/settings/signatures/new/" not in seen


def test_the_published_list_names_every_subtype_with_what_heals_it(desk: Client) -> None:
    page = desk.get("/settings/signatures/").content.decode()
    part = page[page.index('id="subtypes"') :]
    assert [name for name in SUBTYPES if f'id="subtype-{name}"' not in part] == []
    row = part[part.index('id="subtype-rate_limited"') :].split("</tr>")[0]
    assert "Transient" in row and "asks to be called less often" in row and "retry_later" in row


def test_built_in_ones_are_searched_and_paged(desk: Client) -> None:
    first = desk.get("/settings/signatures/").content.decode()
    assert f"{len(load()):,} signatures" in first and "page=2" in first
    found = desk.get("/settings/signatures/?q=zombie+airflow", headers=HTMX).content.decode()
    assert "<html" not in found and "airflow-zombie" in found
    assert "https://github.com/apache/airflow/issues/51969" in found
    data = desk.get("/settings/signatures/?class=data&q=kafka").content.decode()
    assert "chip--code" not in data[data.index('id="found"') : data.index('id="subtypes"')]
    none = desk.get("/settings/signatures/?q=nothing+has+this").content.decode()
    assert "None of the built-in signatures has all of these words." in none
    assert desk.get("/settings/signatures/?page=99999999999999").status_code == 200


def test_it_is_saved_after_it_was_tried_and_not_before(desk: Client) -> None:
    opened = factories.incident(run=run())
    answer = desk.post("/settings/signatures/new/", GIVEN)
    page = answer.content.decode()
    assert answer.status_code == 422 and not OwnSignature.objects.exists()
    assert "Look first at what it would have matched" in page
    assert "Would have matched in 1 of 1 past run." in page and f"INC-{opened.number}" in page
    assert LINE in page and "Not diagnosed" in page
    digest = page.split('name="tried" value="')[1].split('"')[0]
    other = desk.post("/settings/signatures/new/", {**GIVEN, "pattern": "partner feed is gone", "tried": digest})
    assert other.status_code == 422  # another pattern than the one that was tried
    assert desk.post("/settings/signatures/new/", {**GIVEN, "tried": digest}).status_code == 302
    made = OwnSignature.objects.get()
    assert (made.name, made.author.username, made.literals, made.retryable) == (GIVEN["name"], "approver", [], None)
    listed = desk.get("/settings/signatures/").content.decode()
    assert "partner-feed-busy" in listed and "In use" in listed


def test_while_it_is_typed_matches_near_misses_and_refusals_are_told(desk: Client) -> None:
    run(f"partner feed is closed\n{LINE}\n")
    told = desk.post("/settings/signatures/try/", GIVEN, headers=HTMX).content.decode()
    assert "Near misses" in told and "partner feed is closed" in told and 'name="tried"' in told
    for pattern, sentence in {
        "(oops": "Cannot be used", ".*": "says nothing", "": "Write a pattern", r"\d+ rows": "healthy runs say too",
        "never seen so far": "That may be right",
    }.items():  # fmt: skip
        answer = desk.post("/settings/signatures/try/", {"pattern": pattern}, headers=HTMX)
        assert answer.status_code == 200 and sentence in answer.content.decode(), pattern
    assert not OwnSignature.objects.exists()


def test_hostile_text_stays_text(desk: Client, approver: User) -> None:
    run("partner feed 1 is busy <script>alert(1)</script>\u202e\n")
    told = desk.post("/settings/signatures/try/", GIVEN, headers=HTMX).content.decode()
    assert "<script>" not in told and "&lt;script&gt;" in told and "\u202e" not in told
    bad = desk.post("/settings/signatures/new/", {**GIVEN, "means": "<b>x</b>", "pattern": "(<i>feed"})
    assert "<b>x</b>" not in bad.content.decode() and "<i>feed" not in bad.content.decode()
    write.create(candidate(means="<b>feed</b>", pattern="partner <i>feed"), **who(approver))
    page = desk.get("/settings/signatures/").content.decode()
    assert "<b>feed" not in page and "<i>feed" not in page


def test_a_change_is_the_next_version_and_an_earlier_one_fills_the_form(desk: Client, approver: User) -> None:
    row = write.create(candidate(), **who(approver))
    path, given = f"/settings/signatures/{row.pk}/", {**GIVEN, "version": "1", "means": "Wait for it."}
    assert "Save version 2" in desk.get(path).content.decode()
    assert desk.post(f"{path}save/", given).status_code == 302  # what matches is as it was: nothing to try
    assert desk.post(f"{path}save/", given | {"means": "Mine."}).status_code == 409
    page = desk.get(path).content.decode()
    assert "Wait for it." in page and "?version=1" in page
    assert "answers again after that." in desk.get(f"{path}?version=1").content.decode()
    row.refresh_from_db()
    assert (row.version, row.means) == (2, "Wait for it.")


def test_it_is_archived_and_taken_back(desk: Client, approver: User, viewer: User) -> None:
    row = write.create(candidate(), **who(approver))
    path = f"/settings/signatures/{row.pk}/"
    desk.post(f"{path}archive/")
    page = desk.get(path).content.decode()
    assert "Archived: no diagnosis uses it." in page and "Take back" in page and 'id="k"' not in page
    desk.post(f"{path}take-back/")
    assert "Save version 2" in desk.get(path).content.decode()
    seen = signed_in(viewer).get(path).content.decode()
    assert "What it knows" in seen and "partner feed" in seen and "<textarea" not in seen and "Archive<" not in seen


def test_a_refused_try_to_write_is_in_the_trail(operator: User, outsider: User) -> None:
    for person in (operator, outsider):
        assert signed_in(person).post("/settings/signatures/new/", GIVEN).status_code == 403
    assert signed_in(outsider).get("/settings/signatures/").status_code == 403
    denied = AuditRecord.objects.filter(event="access.denied").order_by("pk").values_list("actor__name", flat=True)
    assert list(denied) == ["operator", "outsider"]


def test_the_page_costs_the_same_with_many_of_ones_own(desk: Client, approver: User) -> None:
    counts: list[Any] = []
    for number in (1, 40):
        for at in range(number):
            OwnSignature.objects.create(author=approver, **candidate(name=f"feed-{number}-{at}").content)
        with CaptureQueriesContext(connection) as asked:
            desk.get("/settings/signatures/")
        counts.append(len(asked))
    assert counts[0] == counts[1]
