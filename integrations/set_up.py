"""What an administrator does with a connection: add it, test it, change its key, switch it off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from app.core import audit
from app.core.audit import WORKER, Actor, Source
from app.core.errors import Invalid
from app.core.models import User
from app.core.roles import require
from app.core.tasks import ring_after_commit
from integrations import connections
from integrations.errors import IntegrationError, Unsupported
from integrations.models import Connection
from integrations.ports import Messenger
from integrations.registry import CONNECTORS
from integrations.values import Health, Notice

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


def add(
    name: str,
    kind: str,
    config: Mapping[str, Any],
    secrets: Mapping[str, str],
    *,
    by: User,
    actor: Actor,
    source: Source,
) -> tuple[Connection, str]:
    """A new connection and its inbound key, shown once. Raises Invalid for a name that is taken or no plain word."""
    require(by, "connection.manage")
    if not NAME.fullmatch(name):  # because it becomes the name of a folder
        raise Invalid("A name has up to 60 letters, digits, hyphens and underscores.")
    if kind not in CONNECTORS:
        raise Invalid(f"There is no connector of kind {kind[:40]!r}. Known kinds: {', '.join(sorted(CONNECTORS))}.")
    try:
        with transaction.atomic():
            made, key = connections.create(name, kind, config, secrets)
            detail = {"kind": kind, "secrets": sorted(secrets)}
            audit.record("connection.created", made, actor=actor, source=source, detail=detail)
    except IntegrityError as error:
        raise Invalid(f"There is already a connection called {name}. Choose another name.") from error
    return made, key


def new_key(connection: Connection, *, by: User, actor: Actor, source: Source) -> str:
    """Replace the inbound key; the old one stops working at once."""
    require(by, "connection.manage")
    with transaction.atomic():
        key = connections.rotate_key(connection)
        audit.record("connection.key_rotated", connection, actor=actor, source=source)
    return key


def switch(connection: Connection, *, on: bool, by: User, actor: Actor, source: Source) -> None:
    """Switch it off or on again. What it brought stays; its key is refused while it is off."""
    require(by, "connection.manage")
    with transaction.atomic():
        connection.enabled = on
        connection.save(update_fields=["enabled"])
        event = "connection.changed" if on else "connection.disabled"
        audit.record(event, connection, actor=actor, source=source, after="on" if on else "off")


def ask_test(connection: Connection, *, by: User) -> None:
    """Have worker-act try it, because only that may open the vault; the page shows the result when it is there."""
    require(by, "connection.manage")
    Connection.objects.filter(pk=connection.pk).update(tested_at=None, test_ok=None, test_message="")
    ring_after_commit("integrations.tasks.test", connection.pk)


def test(connection: Connection) -> Health:
    """Try it now, in this process, and keep what it said."""
    try:
        health: Health = connections.connector(connection).test()
    except IntegrationError as error:
        health = Health(False, str(error), "Correct the settings or the secret, and test again.")
    _keep(connection, health)
    return health


def change(
    connection: Connection,
    config: Mapping[str, Any],
    secrets: Mapping[str, str],
    *,
    by: User,
    actor: Actor,
    source: Source,
) -> None:
    """New settings beside those that stay, and secrets in place of those of before; it is to be tested again."""
    require(by, "connection.manage")
    with transaction.atomic():
        connection.config = {**connection.config, **config}
        connection.tested_at, connection.test_ok, connection.test_message = None, None, ""
        connection.save(update_fields=["config", "tested_at", "test_ok", "test_message"])
        connections.keep_secrets(connection, secrets)
        detail = {"config": dict(config), "secrets": sorted(secrets)}
        audit.record("connection.changed", connection, actor=actor, source=source, detail=detail)


def ask_greeting(connection: Connection, *, by: User) -> None:
    """Have worker-act send a first message; the page shows what became of it."""
    require(by, "connection.manage")
    Connection.objects.filter(pk=connection.pk).update(tested_at=None, test_ok=None, test_message="")
    ring_after_commit("integrations.tasks.greet", connection.pk)


def greet(connection: Connection) -> Health:
    """Send a first message through it now, and keep what became of it."""
    text = "This is where incidents will be told, and where their fixes are read and signed."
    try:
        built: Any = connections.connector(connection)
        if not isinstance(built, Messenger):
            raise Unsupported(f"A connection of kind {connection.kind} sends no messages.")
        built.post(Notice("", "Countersign is connected.", text, f"{settings.URL}/"))
        health = Health(True, "A first message was sent.")
    except IntegrationError as error:
        health = Health(False, str(error), "Test the connection: it says what is missing.")
    _keep(connection, health)
    return health


def _keep(connection: Connection, health: Health) -> None:
    """What it said of itself stays from the last time that it said something."""
    message = f"{health.message} {health.hint}".strip()
    fresh: dict[str, Any] = {"facts": health.facts} if health.facts else {}
    fresh |= {"trouble": "", "trouble_said": "", "trouble_until": None} if health.ok else {}
    with transaction.atomic():
        row = Connection.objects.filter(pk=connection.pk)
        row.update(tested_at=Now(), test_ok=health.ok, test_message=message, **fresh)
        outcome = "success" if health.ok else "failure"
        audit.record("connection.tested", connection, actor=WORKER, source="worker", outcome=outcome)
