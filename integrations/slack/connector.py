"""Slack: one message with a link to a channel's incoming webhook. Decisions are made in the console."""

from __future__ import annotations

from http import HTTPStatus
from urllib.error import URLError
from urllib.parse import urlsplit

from slack_sdk.webhook import WebhookClient

from integrations.errors import Refused, Unreachable
from integrations.ports import Wiring
from integrations.values import Health, Notice

TIMEOUT_S = 10  # seconds
TEXT_LIMIT = 2_900  # characters; Slack refuses a section text above 3,000


class Connector:
    """An incoming webhook; the address is the secret `webhook_url`."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring

    def post(self, notice: Notice) -> str:
        """Raises Refused when Slack says no for good, Unreachable (with its own pause) when it may say yes later."""
        text = f"*{escaped(notice.subject)}*\n{escaped(notice.text)}"[:TEXT_LIMIT]
        section = {"type": "section", "text": {"type": "mrkdwn", "text": f"{text}\n<{escaped(notice.link)}|Open>"}}
        try:
            answer = self._client().send(text=escaped(notice.subject), blocks=[section], unfurl_links=False)
        except (URLError, OSError) as error:
            raise Unreachable(f"Slack did not answer: {error.__class__.__name__}") from error
        if answer.status_code == HTTPStatus.OK:
            return ""  # an incoming webhook tells no id
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or answer.status_code >= 500:
            raise Unreachable(f"Slack asks to wait: {answer.status_code}", retry_after_s=_wait_s(answer.headers))
        raise Refused(f"Slack refused: {answer.status_code} {answer.body[:100]}")

    def test(self) -> Health:
        """Of the address alone, because a test must not speak in a channel."""
        parts = urlsplit(self.wiring.secret("webhook_url"))
        if parts.scheme in {"https", "http"} and parts.hostname:
            return Health(True, f"Messages go to a webhook at {parts.hostname}.")
        return Health(False, "The incoming webhook is not an address.", "Copy it whole from Slack's page of the app.")

    def _client(self) -> WebhookClient:
        return WebhookClient(self.wiring.secret("webhook_url"), timeout=TIMEOUT_S)


def escaped(text: str) -> str:
    """So that a log line can neither ping a channel nor forge a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _wait_s(headers: dict[str, str]) -> float:
    found = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
    return float(found) if found.isdigit() else 30.0
