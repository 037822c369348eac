"""What each screen is asked: whether the keyboard reaches it, and whether it fits."""

from __future__ import annotations

from playwright.sync_api import Page


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("() => document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def tab_to(page: Page, name: str) -> None:
    """Tab until the field has the focus; fails where the keyboard cannot reach it."""
    for _ in range(40):
        if page.evaluate("() => document.activeElement && document.activeElement.name") == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} is out of reach of the keyboard")
