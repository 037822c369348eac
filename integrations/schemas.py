"""Connections as the API gives them; no secret and no key, but the one that was just made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema


class ConnectionItem(Schema):
    name: str
    kind: str
    config: dict[str, Any]
    enabled: bool
    key_prefix: str
    last_event_at: datetime | None
    tested_at: datetime | None
    test_ok: bool | None
    test_message: str


class ConnectionIn(Schema):
    name: str
    kind: str
    config: dict[str, Any] = {}
    secrets: dict[str, str] = {}


class ConnectionMade(ConnectionItem):
    key: str


class SwitchConnectionIn(Schema):
    enabled: bool
