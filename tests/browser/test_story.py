"""The story of a night, three times: with the mouse, with keys alone, and on a phone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from approvals.models import Proposal
from tests.approvals.light import CHANGED_CODE, Light, light, proposal
from tests.browser.reach import scrolls_sideways
from tests.pages import seed

pytestmark = pytest.mark.browser


@pytest.fixture
def world(tmp_path: Path, transactional_db: None) -> Light:
    return light(tmp_path)


@pytest.fixture
def made(world: Light) -> Proposal:
    return proposal(world, (CHANGED_CODE,))


def is_signed(made: Proposal) -> bool:
    made.refresh_from_db()
    return made.status == "approved"


def test_with_the_mouse_from_the_inbox_to_the_signature(sit: Any, made: Proposal, approver: Any) -> None:
    page = sit(approver).open("/")
    expect(page.locator(".live")).to_contain_text("Live")
    page.get_by_role("link", name=made.incident.title).click()
    expect(page.locator("#sign")).to_contain_text("Your signature")
    page.get_by_role("button", name="Approve & publish").click()
    expect(page.locator("#sign")).to_contain_text("A worker takes it up")
    expect(page.locator("#timeline")).to_contain_text("was signed")  # by the bell, without a reload
    expect(page.locator(".stepper [aria-current]")).not_to_contain_text("Awaiting decision")
    assert is_signed(made)


def test_with_keys_alone_and_two_presses_to_sign(sit: Any, made: Proposal, approver: Any) -> None:
    page = sit(approver).open("/incidents/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#approve")).to_be_visible()
    page.keyboard.press("m")
    expect(page.locator("#head")).to_contain_text("approver")
    page.keyboard.press("r")
    expect(page.locator("#reject")).to_have_attribute("open", "")
    expect(page.locator("#approve")).to_be_hidden()  # opening Reject hides Approve
    page.keyboard.press("Escape")
    page.locator("body").press("a")
    expect(page.locator("#approve")).to_be_focused()
    assert not is_signed(made)
    page.keyboard.press("Enter")
    expect(page.locator("#sign")).to_contain_text("A worker takes it up")
    assert is_signed(made)


def test_no_key_acts_while_a_field_has_the_focus(sit: Any, made: Proposal, approver: Any) -> None:
    page = sit(approver).open(f"/incidents/{made.incident.number}/")
    expect(page.locator("#approve")).to_be_visible()
    page.locator("#comment").fill("")
    page.locator("#comment").type("a jar, m?")
    expect(page.locator("#comment")).to_have_value("a jar, m?")
    expect(page.locator("#comment")).to_be_focused()


def test_on_a_phone_the_bar_stays_in_reach(sit: Any, made: Proposal, approver: Any) -> None:
    page = sit(approver, width=390, height=844).open("/incidents/")
    assert not scrolls_sideways(page)
    page.get_by_role("link", name=made.incident.title).click()
    button = page.get_by_role("button", name="Approve & publish")
    expect(button).to_be_in_viewport()
    assert not scrolls_sideways(page)
    box = button.bounding_box()
    assert box and box["height"] >= 44
    button.click()
    expect(page.locator("#sign")).to_contain_text("A worker takes it up")
    assert is_signed(made)


def test_an_open_sheet_is_never_swapped_away(sit: Any, made: Proposal, approver: Any) -> None:
    page = sit(approver).open(f"/incidents/{made.incident.number}/")
    page.locator("#reject summary").click()
    page.get_by_label("Too risky now").check()
    Proposal.objects.filter(pk=made.pk).update(status="superseded", status_reason="Production moved.")
    page.evaluate("() => htmx.trigger(document.body, 'incident-changed')")
    expect(page.locator("[data-stale]")).to_contain_text("changed while you were deciding")
    expect(page.get_by_label("Too risky now")).to_be_checked()
    page.get_by_role("link", name="Show what is there now").click()
    expect(page.locator("#sign")).to_contain_text("Nobody can sign this proposal")


def test_the_bar_goes_on_following_after_my_own_signature(sit: Any, made: Proposal, approver: Any) -> None:
    page = sit(approver).open(f"/incidents/{made.incident.number}/")
    page.get_by_role("button", name="Approve & publish").click()
    expect(page.locator("#sign")).to_be_focused()
    Proposal.objects.filter(pk=made.pk).update(status="done")
    page.evaluate("() => htmx.trigger(document.body, 'incident-changed')")
    expect(page.locator("#sign")).to_contain_text("Carried out")
    expect(page.locator("#expiry")).to_have_text("Done")  # nothing expires any more
    expect(page.locator("#sign")).to_be_focused()  # nobody who listens is thrown to the top of the page


def test_evidence_opens_from_its_citation_and_the_theme_is_kept(sit: Any, transactional_db: None) -> None:
    cast = seed.people()
    seed.inbox(cast)
    desk = sit(cast["on_call"])
    page = desk.open("/incidents/1042/")
    page.locator(".lead .cite", has_text="E1").click()
    expect(page.locator("#log")).to_be_visible()
    expect(page.locator("#lineage")).to_be_hidden()
    expect(page.locator("#log time, #timeline time").first).to_be_visible()
    page.locator("#timeline time").first.hover()
    expect(page.locator("#timeline time").first).to_have_attribute("title", re.compile("here$"))
    switch = page.locator(".nav__foot [data-theme-switch]")
    switch.click()
    switch.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    desk.open("/approvals/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
