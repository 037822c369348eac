"""What is typed survives a closed tab, and nobody else sees it."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge.models import Draft, Entry
from tests.pages.seed_knowledge import RULE, WINDOW, sent, value, write


@pytest.fixture
def entry(cast: dict[str, Any]) -> Entry:
    return write(cast["on_call"], "Partner rates", RULE, "Wait.\nThen retry.", *WINDOW)


def test_a_closed_tab_loses_nothing_until_it_is_discarded(console: Any, cast: dict[str, Any], entry: Entry) -> None:
    for path, count in (("/knowledge/new/", 0), (f"/knowledge/{entry.pk}/", 1)):
        kept = console.post(f"{path}keep/", sent(title="Half a tho", retry_window__start="2:4", version=str(count)))
        assert "Draft kept" in kept.content.decode()
        page = console.get(path).content.decode()
        assert "What you had typed is here again" in page
        assert (value(page, "title"), value(page, "retry_window-start")) == ("Half a tho", "2:4")
        console.post(f"{path}discard/")
        assert "Half a tho" not in console.get(path).content.decode()
    assert not Draft.objects.exists()


def test_a_draft_is_for_the_eyes_of_who_typed_it(client: Any, cast: dict[str, Any], entry: Entry) -> None:
    client.force_login(cast["on_call"])
    client.post(f"/knowledge/{entry.pk}/keep/", sent(title="Between us"))
    client.force_login(cast["lead"])
    assert "Between us" not in client.get(f"/knowledge/{entry.pk}/").content.decode()


def test_a_draft_from_before_somebody_saved_says_so_and_clashes(
    console: Any, cast: dict[str, Any], entry: Entry
) -> None:
    console.post(f"/knowledge/{entry.pk}/keep/", sent(body="Mine."))
    console.post(f"/knowledge/{entry.pk}/save/", sent(body="Saved meanwhile."))
    console.post(f"/knowledge/{entry.pk}/keep/", sent(body="Mine."))
    page = console.get(f"/knowledge/{entry.pk}/").content.decode()
    assert "Version 2 was saved meanwhile" in page and value(page, "version") == "1"


def test_who_was_signed_out_while_saving_comes_back_to_the_entry(console: Any, entry: Entry) -> None:
    assert console.get(f"/knowledge/{entry.pk}/save/").headers["Location"] == f"/knowledge/{entry.pk}/"


def test_typing_it_back_leaves_no_draft(console: Any, cast: dict[str, Any], entry: Entry) -> None:
    console.post(f"/knowledge/{entry.pk}/keep/", sent(body="Other"))
    same = sent(owner=str(cast["on_call"].pk), review_by="")
    assert console.post(f"/knowledge/{entry.pk}/keep/", same).content == b""
    assert not Draft.objects.exists()
