"""Setting up an authenticator, signing in with it, and the step-up from the signing bar."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from app.core import clock
from app.core.models import User
from app.core.sessions import SessionStore
from approvals.models import Decision, Proposal
from tests.app.accounts.signing_in import Phone
from tests.approvals.light import CHANGED_CODE, light, proposal
from tests.browser.reach import scrolls_sideways
from tests.factories import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture
def grave(tmp_path: Path, transactional_db: None) -> Proposal:
    return proposal(light(tmp_path), (CHANGED_CODE,), risk="high")


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)], ids=["light", "phone in the dark"])
def test_from_no_second_factor_to_a_high_risk_signature(
    sit: Any, grave: Proposal, approver: User, width: int, dark: bool
) -> None:
    page = sit(approver, width=width, dark=dark).open("/settings/sign-in/")
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Set up an authenticator").click()
    page.get_by_label("Your password, again").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Set up an authenticator").click()
    picture = page.locator(".qr svg").bounding_box()
    assert picture and picture["width"] > 150 and abs(picture["width"] - picture["height"]) < 2
    assert not scrolls_sideways(page)
    phone = Phone(approver)
    page.get_by_label("The six digits").fill(phone.code())
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#codes li")).to_have_count(10)
    assert not scrolls_sideways(page)

    page.context.clear_cookies()
    page.goto(f"{page.url.split('/settings')[0]}/incidents/{grave.incident.number}/")
    page.get_by_label("User name").fill("approver")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    phone.rest()
    page.get_by_label("Code of your authenticator").fill(phone.code())
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#approve")).to_be_visible()  # back at the incident, through both doors
    _forget_the_step_up(approver)

    page.locator("#approve").click()
    expect(page.get_by_role("heading", name="Show once more who you are")).to_be_visible()
    assert not scrolls_sideways(page)
    phone.rest()
    page.get_by_label("Code of your authenticator").fill(phone.code())
    page.keyboard.press("Enter")
    expect(page.locator("#notice")).to_contain_text("Nothing was done yet")
    assert not Decision.objects.exists()
    page.locator("#approve").click()
    expect(page.locator("#sign")).to_contain_text("withdraw my signature")
    assert Decision.objects.get().source["session"]["mfa"] is True


def _forget_the_step_up(person: User) -> None:
    """As if eleven minutes had passed."""
    for row in person.sessions.all():
        store = SessionStore(row.pk)
        store["step_up_at"] = (clock.now() - timedelta(minutes=11)).isoformat()
        store.save()
