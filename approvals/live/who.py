"""Who did it, through which door, and how to answer them."""

from __future__ import annotations

from typing import Any

from app.core.audit import Actor, Source
from app.core.errors import NotAllowed
from app.core.models import User
from approvals.live.identity import person_of
from integrations.connections import connector
from integrations.errors import IntegrationError
from integrations.models import Act
from integrations.ports import LiveMessenger

DOOR = "slack"
SILENT = "Slack could not say who you are. Try again, or decide in the console."


def who(act: Act) -> User:
    """The person of ours behind an account. Raises NotAllowed, in words: where nobody can tell, nobody decides."""
    try:
        member = messenger_of(act).member(act.person)
    except IntegrationError as error:
        raise NotAllowed(SILENT) from error
    return person_of(act.team, act.person, member, connection=act.connection)


def messenger_of(act: Act) -> LiveMessenger:
    found: LiveMessenger = connector(act.connection)
    return found


def door_of(act: Act) -> Source:
    """With what tells this act from every other, for the record of whatever comes of it."""
    via = {
        "slack_team": act.team,
        "slack_user": act.person,
        "slack_channel": act.channel,
        "slack_message": act.message,
        "act": str(act.pk),
    }
    return Source(DOOR, via=via)


def session_of(act: Act) -> dict[str, Any]:
    """Nothing of it shows a second factor, so nothing that asks for one is signed through this door."""
    return {"id": f"{act.team}/{act.person}", "mfa": False}


def stranger(act: Act) -> Actor:
    """For the record of somebody whom nobody knows: an account is no person."""
    return Actor(f"slack:{act.team}/{act.person}", "An account in Slack", "service")
