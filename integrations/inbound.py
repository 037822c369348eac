"""Secrets that web may read, to know who calls: kept under the inbound keys, two of them while one is replaced."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from app.core.inbound import seal, unseal
from integrations.models import Connection, InboundSecret

ROTATION = timedelta(hours=24)  # how long the one before still holds: its senders change over in their own time


def put(connection: Connection, name: str, value: str) -> None:
    """Keep `value`; one that was there before holds for a day longer, unless it is retired."""
    with transaction.atomic():
        row = InboundSecret.objects.select_for_update().filter(connection=connection, name=name).first()
        if row is None:
            InboundSecret.objects.create(connection=connection, name=name, sealed=seal(value))
        elif unseal(row.sealed) != value:
            fresh = {"sealed": seal(value), "before": row.sealed, "before_until": Now() + ROTATION}
            InboundSecret.objects.filter(pk=row.pk).update(**fresh, updated_at=Now())


def retire(connection: Connection, name: str) -> None:
    """The one before stops working now."""
    InboundSecret.objects.filter(connection=connection, name=name).update(before="", before_until=None)
