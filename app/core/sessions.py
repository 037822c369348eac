"""Sessions as rows that know their person, so that they can be listed and ended; SESSION_ENGINE names this module."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, cast

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from app.core.models import Session, User
from app.core.roles import may

SEEN_EVERY = timedelta(minutes=1)  # last use is written at most this often


class SessionStore(DatabaseStore):
    """Django's own, with the person, address and program beside the data."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        row.user_id = int(data[SESSION_KEY]) if data.get(SESSION_KEY) else None
        row.ip, row.agent = str(data.get("ip", "")), str(data.get("agent", ""))
        row.started_at, row.seen_at = data.get("auth_time") or timezone.now().isoformat(), timezone.now()
        return row

    def _get_session_from_db(self) -> Session | None:
        row: Session | None = super()._get_session_from_db()  # type: ignore[misc]  # the stubs lack it
        if row and row.user_id and timezone.now() - row.seen_at > SEEN_EVERY:
            Session.objects.filter(pk=row.pk).update(seen_at=Now())
        return row


def open_sessions(user: User) -> QuerySet[Session]:
    return Session.objects.filter(user=user, expire_date__gt=Now()).order_by("-seen_at")


def end_sessions(user: User, *, keep: str | None = None) -> int:
    """Delete every session of the person but the one whose key is `keep`; in the caller's transaction. How many."""
    return open_sessions(user).exclude(pk=keep or "").delete()[0]


def living(keys: Iterable[str]) -> set[str]:
    """Those of the session keys that belong to people who may read incidents now, in one query."""
    rows = Session.objects.filter(pk__in=set(keys), expire_date__gt=Now(), user__is_active=True).select_related("user")
    return {row.pk for row in rows if row.user and may(row.user, "incident.read") and _fits(row, row.user)}


def _fits(row: Session, user: User) -> bool:
    """Not with a new password: the session carries a digest of the one it was opened with."""
    said: str = SessionStore().decode(row.session_data).get(HASH_SESSION_KEY, "")
    return constant_time_compare(said, user.get_session_auth_hash())
