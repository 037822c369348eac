"""What Slack allows of a message and of a modal: beyond it the whole call is refused."""

from __future__ import annotations

from app.core.visible import visible

# Characters, as Slack's reference of Block Kit has them.
HEADER, TITLE = 150, 60  # Slack's own limit of a header, and ours: a phone shows no more
SECTION, FIELD, FIELDS = 3000, 2000, 10
CONTEXT, CONTEXT_ELEMENTS = 2000, 10
BUTTON, BUTTONS, VALUE, ID, URL = 75, 25, 2000, 255, 3000
CONFIRM_TITLE, CONFIRM, CONFIRM_BUTTON = 100, 300, 30
BLOCKS, VIEW_BLOCKS = 50, 100
VIEW_TITLE, VIEW_BUTTON, METADATA = 24, 24, 3000
LABEL, HINT, OPTION, OPTION_VALUE, OPTIONS, TYPED = 2000, 2000, 75, 150, 100, 3000
TEXT = 4000  # of a message, the part that a notification shows


def cut(text: str, limit: int) -> str:
    """At most `limit` characters; what was left off is said."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def line(text: object, limit: int) -> str:
    """One line: hidden characters visible, and no line end with which a value could pose as another one."""
    return cut(" ".join(visible(text).split()), limit)


def lines(text: object, limit: int) -> str:
    return cut(visible(text).strip(), limit)


def escaped(text: str) -> str:
    """So that a log line can neither ping a channel nor forge a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
