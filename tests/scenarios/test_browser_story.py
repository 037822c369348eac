"""The story of a night on a running installation, through the browser: mouse, keys alone, and a phone.

Each page is loaded once and marked: what changes on it afterwards came over the stream, not by a reload.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from integrations.demo import known_good
from tests.chromium import Desk
from tests.scenarios.stand import HEALED_S, SLACK, Stand

pytestmark = [pytest.mark.live, pytest.mark.browser]

SOON = HEALED_S * SLACK * 1000  # milliseconds
Seat = Callable[..., Desk]


@pytest.fixture
def seat(browser: Browser, stand: Stand) -> Iterator[Seat]:
    """`seat(width=390)`: a fresh browser at the door; nobody may have complained in the end."""
    contexts: list[BrowserContext] = []
    desks: list[Desk] = []

    def seated(*, width: int = 1440, height: int = 900) -> Desk:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}))
        desks.append(Desk(contexts[-1], stand.url))
        desks[-1].open("/")
        return desks[-1]

    yield seated
    for context in contexts:
        context.close()
    assert [said for desk in desks for said in desk.complaints] == []


def password(stand: Stand, name: str = "ana") -> str:
    return str(json.loads((stand.data / "keys" / "people.json").read_text())[name]["password"])


def mark(page: Page) -> None:
    page.evaluate("() => { window.isSamePage = true }")


def same(page: Page) -> bool:
    return bool(page.evaluate("() => window.isSamePage === true"))


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("() => document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_with_the_mouse_a_fault_is_read_signed_healed_and_taken_back(seat: Seat, stand: Stand) -> None:
    page = seat().page
    page.get_by_label("User name").fill("ana")
    page.get_by_label("Password").fill(password(stand))
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".live")).to_contain_text("Live")
    incident, _ = stand.break_it("bad-merge")
    expect(page.locator("#new")).to_contain_text("new or changed")
    page.get_by_role("link", name="Show", exact=True).click()
    page.get_by_role("link", name=incident["title"]).first.click()
    expect(page.locator("#diagnosis")).to_contain_text("Commit")
    expect(page.locator("#sign")).to_contain_text("Your signature")
    mark(page)
    broken = stand.state()
    page.get_by_role("button", name="Approve & publish").click()
    expect(page.locator("#head")).to_contain_text("Resolved", timeout=SOON)
    expect(page.locator("#sign")).to_contain_text("Published", timeout=SOON)
    good = known_good.known_good(stand.lakehouse, "bad-merge")
    assert {key: value for key, value in stand.state().items() if key in good} == good
    page.locator("#sign summary", has_text="Undo…").click()
    page.get_by_role("button", name="Undo the published fix").click()
    expect(page.locator("#sign")).to_contain_text("Production is what it was before", timeout=SOON)
    assert same(page)
    assert stand.state() == broken


def test_with_keys_alone_a_fault_is_found_and_signed(seat: Seat, stand: Stand) -> None:
    incident, _ = stand.break_it("duplicate-load")
    page = seat().page
    for typed in ("ana", password(stand)):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(f"#row-{incident['number']}")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/incidents/{incident['number']}/"))
    expect(page.locator("#approve")).to_be_visible()
    mark(page)
    page.keyboard.press("a")
    expect(page.locator("#approve")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#head")).to_contain_text("Resolved", timeout=SOON)
    assert same(page)


def test_on_a_phone_a_fault_is_signed_with_the_thumb(seat: Seat, stand: Stand) -> None:
    incident, _ = stand.break_it("out-of-memory")
    page = seat(width=390, height=844).page
    page.get_by_label("User name").fill("ana")
    page.get_by_label("Password").fill(password(stand))
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(f"#row-{incident['number']}")).to_be_visible()
    assert not scrolls_sideways(page)
    page.get_by_role("link", name=incident["title"]).first.click()
    button = page.locator("#approve")
    expect(button).to_be_in_viewport()
    assert not scrolls_sideways(page)
    box = button.bounding_box()
    assert box and box["height"] >= 44
    mark(page)
    button.click()
    expect(page.locator("#head")).to_contain_text("Resolved", timeout=SOON)
    assert same(page)
