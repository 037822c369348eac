"""What Settings › Notifications shows of the teams that are told of incidents."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from app.core.models import User
from integrations.models import Act, Connection, InboundSecret, LinkedAccount
from integrations.slack.advice import WHAT_TO_DO
from integrations.slack.manifest import SOCKET, manifest

TROUBLE = {
    "grant": "Access revoked",
    "channel": "Channel gone",
    "limited": "Slack asks to wait",
    "away": "Slack does not answer",
}


@dataclass(frozen=True)
class Team:
    """One Slack connection; `tone` is a modifier of `.status`, `what` says what to do."""

    connection: Connection
    tone: str
    word: str
    said: str
    what: str
    # Whether a secret of before the last change still holds, and how many acts wait.
    rotating: bool
    open_acts: int

    @property
    def socket(self) -> bool:
        return bool(self.connection.config.get("mode") == SOCKET)


def teams() -> list[Team]:
    rows = list(Connection.objects.filter(kind="slack").order_by("name"))
    rotating = set(_rotating().values_list("connection", flat=True))
    waiting = list(Act.objects.filter(done_at=None).values_list("connection", flat=True)[:1000])
    return [_team(row, row.pk in rotating, waiting.count(row.pk)) for row in rows]


def team(connection: Connection) -> Team:
    waiting = Act.objects.filter(done_at=None, connection=connection).count()
    return _team(connection, _rotating().filter(connection=connection).exists(), waiting)


def manifests() -> list[tuple[str, str, str]]:
    """(id, label, text) of the manifest for each way in."""
    ways = [("http", "Slack calls us (HTTP)", False), ("socket", "We call Slack (Socket Mode)", True)]
    return [(name, label, json.dumps(manifest(settings.URL, socket=socket), indent=2)) for name, label, socket in ways]


def accounts(user: User) -> list[LinkedAccount]:
    return list(LinkedAccount.objects.filter(user=user).select_related("connection").order_by("linked_at"))


def everybodys_accounts() -> list[LinkedAccount]:
    return list(LinkedAccount.objects.select_related("user", "connection").order_by("user__username", "linked_at"))


def _rotating() -> QuerySet[InboundSecret]:
    return InboundSecret.objects.filter(name="signing_secret", before_until__gt=Now()).exclude(before="")


def _team(row: Connection, rotating: bool, waiting: int) -> Team:
    tone, word, said, what = _state(row)
    return Team(row, tone, word, said, what, rotating, waiting)


def _state(row: Connection) -> tuple[str, str, str, str]:
    if not row.enabled:
        return "watch", "Off", "", ""
    if row.trouble:
        tone = "bad" if row.trouble in {"grant", "channel"} else "warn"
        return tone, TROUBLE.get(row.trouble, row.trouble), row.trouble_said, WHAT_TO_DO.get(row.trouble, "")
    if row.test_ok is False:
        return "bad", "Failing", row.test_message, ""
    if row.test_ok is None and not row.facts:
        return "watch", "Not tested yet", "", "Test the connection: it learns which workspace this is."
    return "ok", "Healthy", row.test_message, ""
