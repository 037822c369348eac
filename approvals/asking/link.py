"""The link of a request: whoever has it may answer that request, and nothing else.

The token is made of the row's salt and the server's key, so that no row holds it: neither the request, which has its
digest, nor the message that carries it.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from approvals.models import Request

KEPT = timedelta(days=7)  # after the deadline: until then the page still says how it ended
LONGEST_TOKEN = 64  # characters; ours have 43


def seal() -> dict[str, str]:
    """Salt and digest of a new link."""
    salt = secrets.token_hex(16)
    return {"salt": salt, "digest": _digest(_token(salt))}


def link(request: Request) -> str:
    return f"{settings.URL}/asked/{_token(request.salt)}/"


def find(token: str) -> Request | None:
    """The request of a token whose time is not over; None for any other."""
    if len(token) > LONGEST_TOKEN:
        return None
    rows = Request.objects.filter(digest=_digest(token), until__gt=Now())
    return rows.select_related("proposal__incident").first()


def _token(salt: str) -> str:
    mac = salted_hmac("approvals.asking.link", salt, algorithm="sha256").digest()
    return urlsafe_b64encode(mac).rstrip(b"=").decode()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
