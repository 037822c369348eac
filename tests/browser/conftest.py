"""Chromium against the live server, with the content security policy on and every complaint collected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.chromium import Desk


@pytest.fixture
def sit(browser: Browser, live_server: Any, client: Any) -> Iterator[Any]:
    """`sit(user, width=390)`: a desk for a signed-in user."""
    contexts: list[BrowserContext] = []
    desks: list[Desk] = []

    def seated(user: Any, *, width: int = 1440, height: int = 1000, dark: bool = False) -> Desk:
        client.force_login(user)
        scheme = "dark" if dark else "light"
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
        session = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        contexts.append(context)
        desks.append(Desk(context, live_server.url))
        return desks[-1]

    yield seated
    for context in contexts:
        context.close()
    assert [said for desk in desks for said in desk.complaints] == []
