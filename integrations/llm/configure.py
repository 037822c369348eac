"""Settings › Models: which model, its bounds, its key. One row a kind, made at the first save."""

from __future__ import annotations

from django.db import transaction

from app.core import audit
from app.core.audit import Actor, Source
from app.core.errors import Invalid
from app.core.models import User
from app.core.roles import require
from integrations import connections, vault
from integrations.llm import config as models
from integrations.models import Connection
from integrations.values import Json


def configure(config: Json, key: str, *, by: User, actor: Actor, source: Source, kind: str = models.KIND) -> Connection:
    """Keep the settings, and the key where one was entered. Raises Invalid, naming the field that cannot be read."""
    require(by, "connection.manage")
    address = models.read(kind, config, kind=kind).address
    row = Connection.objects.filter(kind=kind).order_by("pk").first()
    if row and not key and row.credentials.exists() and _moved(row, address):
        raise Invalid("The address is another one. Enter the key again: one that was sealed is not sent elsewhere.")
    with transaction.atomic():
        if row is None:
            row, _ = connections.create(kind, kind, config, {"key": key} if key else {})
            audit.record("connection.created", row, actor=actor, source=source, detail={"kind": kind})
            return row
        changed = sorted(name for name in {*row.config, *config} if row.config.get(name) != config.get(name))
        row.config, row.enabled = config, True
        row.tested_at = row.test_ok = None
        row.test_message = ""
        row.save(update_fields=["config", "enabled", "tested_at", "test_ok", "test_message"])
        if key:
            vault.put(row, "key", key)
        detail = {"fields": changed + (["key"] if key else [])}
        audit.record("connection.changed", row, actor=actor, source=source, detail=detail)
    return row


def _moved(row: Connection, address: str) -> bool:
    """Whether the key would go to another server than the one that it was entered for."""
    try:
        return models.read(row.name, row.config).address != address
    except Invalid:
        return True
