"""One call of Slack's Web API, and what its errors mean to whoever called."""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from integrations.errors import Gone, IntegrationError, PermissionDenied, Refused, Unreachable

TIMEOUT_S = 10  # seconds
LIMITED_S = 30.0  # seconds, where Slack limits the rate and does not say for how long
SPEAKING = ("chat.", "views.")  # methods that take JSON; those that only read take a form
LATER = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "ratelimited"}
MESSAGE = {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"}
CHANNEL = {"channel_not_found", "is_archived", "channel_is_archived", "not_in_channel", "channel_type_not_supported"}
GRANT = {
    "token_revoked", "token_expired", "account_inactive", "invalid_auth", "not_authed", "org_login_required",
    "team_access_not_granted", "access_denied",
}  # fmt: skip
DENIED = {"missing_scope", "no_permission", "restricted_action", "ekm_access_denied", "not_allowed_token_type"}


def client(token: str, url: str = "") -> WebClient:
    """Without retries of its own: a message that is sent twice is worse than one that the sweep sends later."""
    return WebClient(token, base_url=url or WebClient.BASE_URL, timeout=TIMEOUT_S, retry_handlers=[])


def call(web: WebClient, method: str, **arguments: Any) -> Any:
    """The answer. Raises Unreachable, with Slack's own pause, Gone (`what` says which), PermissionDenied or Refused."""
    speaks = method.startswith(SPEAKING)
    try:
        return web.api_call(method, json=arguments) if speaks else web.api_call(method, params=arguments)
    except SlackApiError as error:
        raise _meaning(error) from error
    except (URLError, HTTPException, OSError, SlackClientError, ValueError) as error:
        raise Unreachable(f"Slack did not answer: {error.__class__.__name__}.") from error


def _meaning(error: SlackApiError) -> IntegrationError:
    answer: Any = error.response
    data = answer.data if isinstance(answer.data, dict) else {}
    code, status = str(data.get("error", ""))[:80], answer.status_code
    if status == HTTPStatus.TOO_MANY_REQUESTS or code == "ratelimited":
        return Unreachable("Slack asks to wait.", retry_after_s=_pause(answer.headers))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in LATER:
        return Unreachable(f"Slack has trouble of its own: {code or status}.")
    for codes, what in ((MESSAGE, "message"), (CHANNEL, "channel"), (GRANT, "grant")):
        if code in codes:
            return Gone(f"Slack says {code}.", what=what)
    if code in DENIED:
        needed = str(data.get("needed", ""))[:200]
        return PermissionDenied(f"Slack says {code}{f': the app needs {needed}' if needed else ''}.")
    return Refused(f"Slack refused: {code or status}.")


def _pause(headers: Any) -> float:
    found = {str(name).lower(): str(value) for name, value in dict(headers).items()}.get("retry-after", "")
    return float(found) if found.isdigit() else LIMITED_S
