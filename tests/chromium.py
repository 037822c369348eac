"""Chromium, and one person's screen in it, with every complaint of its console collected."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
QUIET = "--disable-component-update --disable-sync"
expect.set_options(timeout=30_000)  # milliseconds until something is given up on, because the machine may be busy


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a session; skips where there is none, and fails under CI."""
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # sync Playwright runs a loop of its own in this thread
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
