"""The page of an asset in a browser: a detector is muted in place, at both widths and in the dark."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from incidents.models import Asset, AssetEdge
from incidents.watched import Widening
from tests import factories
from tests.browser.reach import scrolls_sideways
from tests.pages.test_assets import looked_at

pytestmark = pytest.mark.browser


@pytest.fixture
def orders(transactional_db: None) -> Asset:
    made = looked_at(factories.asset("raw.orders", owner={"name": "Orders team"}), last=300)
    for upper, lower, kind in (("public.deals", "raw.orders", "table"), ("raw.orders", "mart.revenue", "model")):
        AssetEdge.objects.create(upstream=factories.asset(upper), downstream=factories.asset(lower, kind=kind))
    Widening.objects.create(asset=made, check_name="rows", high=9000.0, incident_number=7, by_name="On-call engineer")
    factories.incident("raw.orders: 300 rows came, usually 2,400 to 2,430", root_asset=made)
    return made


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False)], ids=["light", "dark", "phone"])
def test_a_detector_is_muted_and_speaks_again(sit: Any, orders: Asset, operator: Any, width: int, dark: bool) -> None:
    page = sit(operator, width=width, dark=dark).open("/assets/")
    expect(page.get_by_role("link", name="Assets", exact=True)).to_have_attribute("aria-current", "page")
    assert not scrolls_sideways(page)
    page.get_by_role("link", name="raw.orders").click()
    expect(page.get_by_role("heading", name="Detectors")).to_be_visible()
    assert not scrolls_sideways(page)
    row = page.locator("#detectors tr", has_text="Rows that came").first
    row.get_by_text("Mute…").click()
    row.get_by_label("Why").fill("The old shop is closed.")
    row.get_by_role("button", name="Mute rows").click()
    expect(page.locator("#detectors .note")).to_contain_text("The old shop is closed.")
    expect(row.locator(".status")).to_have_text("Muted")
    page.get_by_role("button", name="Unmute").click()
    expect(row.locator(".status")).to_have_text("Unusual")
