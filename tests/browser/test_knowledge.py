"""A note is written with the keyboard alone, and a closed tab loses nothing of it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from incidents.models import Incident
from knowledge.models import Draft, Entry
from tests import factories
from tests.browser.reach import scrolls_sideways, tab_to
from tests.pages.seed_knowledge import WINDOW, write

pytestmark = pytest.mark.browser


@pytest.fixture
def rates(transactional_db: None) -> Incident:
    return factories.incident("Rates answer 503", root_asset=factories.asset("raw.partner_rates"))


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False)], ids=["light", "dark", "phone"])
def test_a_note_is_written_with_the_keyboard_alone(
    sit: Any, rates: Incident, operator: Any, width: int, dark: bool
) -> None:
    page = sit(operator, width=width, dark=dark).open("/knowledge/")
    page.keyboard.press("n")
    expect(page.locator("#id_title")).to_be_focused()
    page.keyboard.type("Rates answer in a window")
    tab_to(page, "body")
    page.keyboard.type("## What to do\nRetry at `02:47`. <script>alert(1)</script>")
    expect(page.locator("#preview h4")).to_have_text("What to do")
    expect(page.locator("#preview code")).to_have_text("02:47")
    expect(page.locator("#preview")).to_contain_text("<script>alert(1)</script>")
    tab_to(page, "rule")
    page.keyboard.type("asset is raw")
    expect(page.locator("#match")).to_contain_text("After asset comes = or in.")
    page.keyboard.press("Control+a")
    page.keyboard.type("asset in raw.partner_*")
    expect(page.locator("#match")).to_contain_text("Matches 1 open incident, 0 past.")
    expect(page.locator("#match")).to_contain_text(f"INC-{rates.number}")
    tab_to(page, "retry_window-when")
    page.keyboard.type("inside")
    page.keyboard.press("Tab")
    page.keyboard.type("02:47")
    page.keyboard.press("Tab")
    page.keyboard.type("03:12")
    expect(page.locator("#kept")).to_contain_text("Draft kept")
    assert not scrolls_sideways(page)
    page.keyboard.press("Control+s")
    expect(page.locator("#notice")).to_contain_text("Saved.")
    made = Entry.objects.get()
    assert (made.rule, made.hints[0]["when"], made.hints[0]["end"]) == ("asset in raw.partner_*", "inside", "03:12")
    assert not Draft.objects.exists()


def test_a_tab_that_is_closed_at_once_loses_nothing(sit: Any, rates: Incident, operator: Any) -> None:
    desk = sit(operator)
    page = desk.open("/knowledge/new/")
    page.keyboard.type("Half a thou")
    page.goto("about:blank")  # sooner than the pause after which a draft is kept
    desk.page = page.context.new_page()
    for _ in range(600):  # its last words travel after it
        if Draft.objects.exists():
            break
        desk.page.wait_for_timeout(50)
    page = desk.open("/knowledge/new/")
    expect(page.locator("#id_title")).to_have_value("Half a thou")
    expect(page.get_by_role("status").filter(has_text="here again")).to_be_visible()
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("#id_title")).to_have_value("")
    assert not Draft.objects.exists()


def test_two_people_see_both_texts_and_save_one_of_both(
    sit: Any, rates: Incident, operator: Any, approver: Any, client: Any
) -> None:
    entry = write(operator, "Rates", "asset = raw.partner_rates", "Wait.", *WINDOW)
    path = f"/knowledge/{entry.pk}/"
    desk = sit(operator)
    mine = desk.open(path)
    client.cookies.clear()  # or the second sign-in would end the session of the first
    theirs = sit(approver).open(path)
    theirs.locator("#id_body").fill("Ask partner-integrations.")
    theirs.keyboard.press("Control+s")
    expect(theirs.locator("#notice")).to_contain_text("Saved as version 2.")
    mine.locator("#id_body").fill("Retry at 02:47.")
    mine.keyboard.press("Control+s")
    expect(mine.locator("#clash")).to_contain_text("Ask partner-integrations.")
    expect(mine.locator("#clash")).to_contain_text("Retry at 02:47.")
    mine.locator("#id_body").fill("Ask partner-integrations, then retry at 02:47.")
    mine.get_by_role("button", name="Save version 3").click()
    expect(mine.locator("#notice")).to_contain_text("Saved as version 3.")
    assert ["409" in said for said in desk.complaints] == [True]  # the browser tells of the conflict, and of no more
    desk.complaints.clear()
    assert not Draft.objects.exists()
