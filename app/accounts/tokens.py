"""Bearer tokens: made by their user, shown once, kept as a digest, limited by scopes and an expiry."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from app.core import audit
from app.core.audit import Actor, Source
from app.core.errors import Invalid, NotAllowed
from app.core.models import ApiToken, User
from app.core.roles import SCOPES, may, require
from app.core.token import API, GATEWAY, digest

TOKEN_BYTES = 32  # of randomness
LONGEST_DAYS = 365


def make(
    user: User,
    name: str,
    *,
    scopes: Iterable[str],
    days: int,
    actor: Actor,
    source: Source,
    until: datetime | None = None,
    audience: str = API,
) -> tuple[ApiToken, str]:
    """A new token and its text, over at `until` at the latest.

    Raises Invalid for unknown scopes, NotAllowed for `decide` where it is off; who lifts the kill switch and signs
    nothing may always have it.
    """
    require(user, "token.own")
    chosen = _chosen(user, name, set(scopes), days, audience)
    expires = timezone.now() + timedelta(days=days)
    text = secrets.token_urlsafe(TOKEN_BYTES)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user, name=name.strip()[:80], digest=digest(text), prefix=text[:8], scopes=chosen,
            audience=audience, expires_at=min(expires, until) if until else expires,
        )  # fmt: skip
        detail = {"scopes": chosen, "days": days, "audience": audience}
        audit.record("token.created", f"{user.username}: {name}", actor=actor, source=source, detail=detail)
    return token, text


def _chosen(user: User, name: str, scopes: set[str], days: int, audience: str) -> list[str]:
    """The scopes in their own order, where this person may have them."""
    chosen = [scope for scope in SCOPES if scope in scopes]
    if not chosen or scopes - set(SCOPES) or not 1 <= days <= LONGEST_DAYS or not name.strip():
        raise Invalid(f"A token needs a name, scopes of {', '.join(SCOPES)}, and 1 to {LONGEST_DAYS} days.")
    signs = may(user, "proposal.decide")
    decides = settings.DECIDE_BY_TOKEN if signs else may(user, "kill_switch.lift")
    if "decide" in chosen and not decides:
        raise NotAllowed(
            "Signing by token is off here, or you are no approver. COUNTERSIGN_DECIDE_BY_TOKEN=1 allows it."
        )
    if audience == GATEWAY and "decide" in chosen:
        raise NotAllowed("An agent reads and proposes; it cannot decide.")
    return chosen


def revoke(token: ApiToken, *, by: User, actor: Actor, source: Source) -> None:
    """The owner, or somebody who manages people, ends a token at once."""
    if token.user_id != by.pk:
        require(by, "people.manage")
    with transaction.atomic():
        ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=Now())
        audit.record("token.revoked", f"{token.user.username}: {token.name}", actor=actor, source=source)
