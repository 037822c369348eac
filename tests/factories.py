"""The cast and the smallest rows that tests need. Named by role; the outsider must be refused everywhere."""

from __future__ import annotations

from typing import Any

from app.core.models import User
from incidents.models import Asset, Incident
from integrations.models import Connection

PASSWORD = "correct horse battery"


def user(name: str, *roles: str, **fields: Any) -> User:
    return User.objects.create_user(name, f"{name}@example.com", PASSWORD, roles=list(roles), **fields)


def connection(name: str = "warehouse", kind: str = "webhook", **config: Any) -> Connection:
    return Connection.objects.create(name=name, kind=kind, config={"namespace": f"test://{name}", **config})


def asset(name: str = "raw.orders", namespace: str = "test://warehouse", **fields: Any) -> Asset:
    return Asset.objects.get_or_create(namespace=namespace, name=name, defaults=fields)[0]


def incident(title: str = "orders is broken", status: str = "open", **fields: Any) -> Incident:
    fields.setdefault("root_asset", asset())
    fields.setdefault("connection", Connection.objects.first() or connection())
    made = Incident.objects.create(title=title, status=status, **fields)
    made.refresh_from_db()
    return made
