"""Slack in the settings: set up, looked at and linked, light and dark and on a phone, and no secret in the page."""

from __future__ import annotations

from typing import Any

import pytest

from tests import factories
from tests.slack_server import slack_server

pytestmark = pytest.mark.browser
SECURITY = "element => getComputedStyle(element).webkitTextSecurity"


@pytest.mark.parametrize("width", [1440, 390])
def test_slack_is_changed_and_its_manifest_is_there_to_copy(sit: Any, transactional_db: None, width: int) -> None:
    with slack_server() as slack:
        slack.connect()
        desk = sit(factories.user("ada", "administrator"), width=width, dark=width == 390)
        page = desk.open("/settings/notifications/")
        page.get_by_text("Change", exact=True).click()
        token = page.get_by_label("Bot token")
        token.fill("xoxb-2")
        assert token.evaluate(SECURITY) == "disc"
        page.get_by_role("button", name="Save").click()
        page.get_by_text("slack was changed. Test it.").wait_for()
        assert "socket_mode_enabled" in page.get_by_label("App manifest").last.input_value()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert desk.open("/settings/connections/add/slack/").get_by_label("App-level token").is_visible()
