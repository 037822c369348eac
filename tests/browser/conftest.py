"""Chromium against the live server, with the content security policy on and every complaint collected."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # sync Playwright runs a loop of its own in this thread
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
QUIET = "--disable-component-update --disable-sync"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        words = f"There is no browser at {CHROMIUM}. On Debian: apt install chromium fonts-dejavu"
        pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS.split(), *QUIET.split()])
        yield opened
        opened.close()


class Desk:
    """One person at one screen; `complaints` is what the console of the browser said."""

    def __init__(self, context: BrowserContext, home: str) -> None:
        self.page: Page = context.new_page()
        self.home = home
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.home}{path}")
        return self.page


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
