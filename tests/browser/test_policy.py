"""A policy is changed, tried and proposed in the browser, and signed by another person."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from app.core.models import User
from approvals import policy
from incidents.models import Incident
from tests import factories
from tests.browser.reach import scrolls_sideways
from tests.pages import seed

pytestmark = pytest.mark.browser


@pytest.fixture
def yen(transactional_db: None) -> Incident:
    return seed.inbox(seed.people())


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False)], ids=["light", "dark", "phone"])
def test_a_policy_is_tried_proposed_and_signed(
    sit: Any, yen: Incident, administrator: User, approver: User, width: int, dark: bool
) -> None:
    page = sit(administrator, width=width, dark=dark).open("/settings/policy/")
    assert not scrolls_sideways(page)
    page.get_by_role("link", name="Change and try").click()
    page.get_by_role("button", name="Add a rule").click()
    expect(page.locator("input[name=count]")).to_have_value("4")
    new = page.get_by_role("group", name="Rule 3", exact=True)
    new.get_by_label("Name").fill("Finance signs raw sales")
    new.get_by_text("More conditions").click()
    new.get_by_label("Touches one of these assets").fill("raw.sales\nfin.*")
    new.get_by_text("Who, and how").click()
    new.get_by_label("Only from these groups").fill("finance")
    new.get_by_role("button", name="Up").click()
    expect(page.locator("#id_r1-name")).to_have_value("Finance signs raw sales")
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Try it on the last 90 days").click()
    expect(page.locator("#trial")).to_contain_text("INC-1042")
    expect(page.locator("#trial")).to_contain_text("asks for 1, and nobody can sign it today")
    assert not scrolls_sideways(page)
    page.get_by_label("Why?").fill("Finance wants to see what it reports.")
    page.get_by_role("button", name="Propose this version").click()
    expect(page.get_by_text("another person must sign it")).to_be_visible()
    assert not scrolls_sideways(page)

    other = sit(approver, width=width, dark=dark).open("/settings/policy/")
    other.get_by_role("button", name="Sign version 1").click()
    other.get_by_label("Password").fill(factories.PASSWORD)
    other.keyboard.press("Enter")
    other.get_by_role("button", name="Sign version 1").click()
    expect(other.get_by_text("Version 1 is in force.")).to_be_visible()
    assert policy.in_force().rules[1].name == "Finance signs raw sales"
