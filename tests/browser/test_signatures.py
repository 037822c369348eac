"""A signature is written with the keyboard alone, and tried against past logs while it is typed."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from incidents.models import Incident
from incidents.own import write
from incidents.own.models import OwnSignature
from tests import factories
from tests.browser.reach import scrolls_sideways, tab_to
from tests.incidents.own.writing import LINE, candidate, run, who

pytestmark = pytest.mark.browser


@pytest.fixture
def past(transactional_db: None) -> Incident:
    for _ in range(6):
        opened = factories.incident(
            "The feed broke", run=run(f"partner feed is closed\n{LINE}, and waits {'x' * 300}\n")
        )
    return opened


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False)], ids=["light", "dark", "phone"])
def test_a_signature_is_written_with_the_keyboard_alone(
    sit: Any, past: Incident, approver: Any, width: int, dark: bool
) -> None:
    page = sit(approver, width=width, dark=dark).open("/settings/signatures/")
    assert not scrolls_sideways(page)
    page.keyboard.press("n")
    expect(page.locator("#id_name")).to_be_focused()
    page.keyboard.type("partner-feed-busy")
    tab_to(page, "pattern")
    page.keyboard.type("partner feed (")
    expect(page.locator("#tried")).to_contain_text("Cannot be used")
    page.keyboard.press("Backspace")
    page.keyboard.type(r"(?P<feed>\d+) is busy")
    expect(page.locator("#tried")).to_contain_text("Would have matched in 6 of 6 past runs.")
    expect(page.locator("#tried")).to_contain_text(f"INC-{past.number}")
    expect(page.locator("#tried")).to_contain_text("Near misses")
    tab_to(page, "means")
    page.keyboard.type("The partner loads its own side.")
    tab_to(page, "subtype")
    page.keyboard.type("service_un")
    assert not scrolls_sideways(page)
    tab_to(page, "rank")
    page.locator("[data-primary]").press("Enter")
    expect(page.locator("#notice")).to_contain_text("Saved.")
    made = OwnSignature.objects.get()
    assert (made.name, made.subtype, made.version) == ("partner-feed-busy", "service_unavailable", 1)
    expect(page.locator("#own")).to_contain_text("In use")


def test_built_in_ones_are_found_while_typing_and_by_link(sit: Any, past: Incident, approver: Any) -> None:
    write.create(candidate(), **who(approver))
    page = sit(approver, width=390).open("/settings/signatures/")
    page.keyboard.press("/")
    expect(page.locator("#built-in input[type=search]")).to_be_focused()
    page.keyboard.type("zombie")
    expect(page.locator("#found")).to_contain_text("airflow-zombie")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    expect(page.locator("#built-in input[type=search]")).to_be_focused()
    assert "q=zombie" in page.url
    page.reload()
    expect(page.locator("#found tbody tr")).to_have_count(1)
    assert not scrolls_sideways(page)
    page.get_by_role("link", name="Subtypes", exact=True).click()
    expect(page.locator("#subtypes")).to_be_in_viewport()
