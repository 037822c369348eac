"""Bearer tokens at the door: looked up by their digest, so that neither the table nor timing tells them."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.db.models.functions import Now
from django.utils import timezone

from app.core.models import ApiToken

API, GATEWAY = "api", "gateway"  # where a token is good: a program's at the API, an agent's at the gateway alone
SEEN_EVERY = timedelta(minutes=1)  # last use is written at most this often


def bearer(text: str, audience: str = API) -> ApiToken | None:
    """The live token of an active user that was made for this door, or None."""
    token = (
        ApiToken.objects.select_related("user")
        .filter(digest=digest(text), audience=audience, revoked_at=None)
        .filter(expires_at__gt=Now(), user__is_active=True)
        .first()
    )
    if token and (token.last_used_at is None or timezone.now() - token.last_used_at > SEEN_EVERY):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=Now())
    return token


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
