"""Create connections, find the one that serves a namespace, and build its connector."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from integrations import inbound, registry, vault
from integrations.errors import Refused
from integrations.models import Connection
from integrations.ports import Wiring
from integrations.values import AssetRef

KEY_BYTES = 24  # of randomness in an inbound key


def create(name: str, kind: str, config: Mapping[str, Any], secret_values: Mapping[str, str]) -> tuple[Connection, str]:
    """A new connection and its inbound key, which is shown once and kept as a digest."""
    registry.entry(kind)
    connection = Connection.objects.create(name=name, kind=kind, config=dict(config))
    keep_secrets(connection, secret_values)
    return connection, rotate_key(connection)


def keep_secrets(connection: Connection, values: Mapping[str, str]) -> None:
    """Each in its ring: what tells who calls where web may read it, everything else in the vault."""
    inbound_names = registry.entry(connection.kind).inbound_names
    for name, value in values.items():
        if name in inbound_names:
            inbound.put(connection, name, value)
        else:
            vault.put(connection, name, value)


def rotate_key(connection: Connection) -> str:
    key = f"cs_{secrets.token_urlsafe(KEY_BYTES)}"
    connection.key_digest, connection.key_prefix = digest(key), key[:8]
    connection.save(update_fields=["key_digest", "key_prefix"])
    return key


def by_key(key: str) -> Connection | None:
    return Connection.objects.filter(key_digest=digest(key), enabled=True).first() if key else None


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def serving(namespace: str, *kinds: str) -> Connection | None:
    """The enabled connection whose namespace this is, of one of `kinds` when some are given."""
    rows = Connection.objects.filter(enabled=True, config__namespace=namespace).order_by("pk")
    return (rows.filter(kind__in=kinds) if kinds else rows).first()


def connector(connection: Connection, *, header: tuple[str, str] | None = None) -> Any:
    """An instance of its connector; secrets open lazily, and only where this process may.

    `header` comes from `lent`: what a note names for calls to its host.
    """
    workspace = Path(settings.DATA_DIR) / "work" / connection.name
    workspace.mkdir(parents=True, exist_ok=True)
    return registry.load(connection.kind)(
        Wiring(
            name=connection.name,
            config=connection.config,
            secret=partial(vault.get, connection),
            peer=lambda name: connector(Connection.objects.get(name=name, enabled=True)),
            workspace=workspace,
            header=header,
        )
    )


def host(connection: Connection) -> str:
    """Where it calls, as `host:port`; empty for one that has no address."""
    return urlsplit(str(connection.config.get("url", ""))).netloc.rpartition("@")[2].lower()


def lent(connection: Connection, header: str, reference: str, to: str) -> tuple[str, str]:
    """The header and the vault entry for calls to the host `to`.

    Raises Refused where that is another host than the connection's, or another connection's secret: a note moves no
    secret from where an administrator put it.
    """
    owner, _, name = reference.removeprefix("vault://").partition("/")
    if not to or to.lower() != host(connection):
        raise Refused(f"{to} is not where {connection.name} calls.")
    if owner != connection.name or not name:
        raise Refused(f"{reference} is a secret of another connection, and is not lent to {connection.name}.")
    return header, name


def connector_for(asset: AssetRef) -> Any | None:
    """The connector that serves the asset's namespace, None when nothing is connected there."""
    connection = serving(asset.namespace)
    return connector(connection) if connection else None
