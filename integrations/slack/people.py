"""Who a Slack account is, as Slack tells it now, and why it may never decide (formats.md section 12)."""

from __future__ import annotations

from typing import Any

from slack_sdk import WebClient

from integrations.cards import Member
from integrations.errors import Refused
from integrations.slack.calls import call
from integrations.untrusted import mapping, text
from integrations.values import Json

# What Slack says of an account, and why that keeps it from deciding.
NEVER = (
    ("deleted", "This Slack account was deactivated."),
    ("is_bot", "This is a bot."),
    ("is_workflow_bot", "This is a workflow."),
    ("is_connector_bot", "This is a bot."),
    ("is_stranger", "This account is of another organisation, by Slack Connect."),
    ("is_ultra_restricted", "This is a guest of a single channel."),
    ("is_restricted", "This is a guest of the workspace."),
    ("is_invited_user", "This account was invited and has not signed in yet."),
)


def member(web: WebClient, person: str, *, team: str) -> Member:
    """What Slack says of `person` to the app in `team`. Raises Unreachable where it does not answer."""
    try:
        user = mapping(call(web, "users.info", user=person)["user"])
    except Refused as error:
        return Member(team, person, "", trouble=f"Slack does not tell who this is. {error}")
    profile = mapping(user.get("profile"))
    name = text(profile.get("display_name"), 80) or text(user.get("real_name"), 80) or text(user.get("name"), 80)
    return Member(text(user.get("team_id"), 40), text(user.get("id"), 40), name, text(profile.get("email"), 254),
                  _trouble(user, person, team))  # fmt: skip


def _trouble(user: Json, person: str, team: str) -> str:
    """Empty only where everything that was looked for is there and right: what is missing counts against."""
    if not team or text(user.get("team_id"), 40) != team:
        return "This account is of another workspace."
    if text(user.get("id"), 40) != person or person == "USLACKBOT":
        return "Slack answered with another account."
    found: Any = next((why for flag, why in NEVER if user.get(flag) not in (False, None)), "")
    if found:
        return str(found)
    if user.get("deleted") is not False or user.get("is_bot") is not False:
        return "Slack does not say whether this account is in use."
    return "" if user.get("is_email_confirmed") is True else "The e-mail address of this Slack account is unconfirmed."
