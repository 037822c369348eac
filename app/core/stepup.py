"""Step-up: whoever does something grave shows once more who they are, and that counts for ten minutes.

A session says `step_up_at` when its person gave the second factor (or the password again, where they have none and none
is demanded; or signed in anew at the organisation's own sign-in). `needed` stands before the act, in the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest

from app.core import clock
from app.core.audit import Actor
from app.core.errors import NotAllowed

FRESH = timedelta(minutes=10)
AT, MFA, SIGNED_IN = "step_up_at", "mfa", "auth_time"  # keys of a session
MUST_ENROL = "must_enrol"  # signed in without the second factor that is demanded: nothing but setting it up


class StepUpNeeded(NotAllowed):
    """This needs your second factor, or your password again, given in the last 10 minutes."""

    code = "step_up"


def fresh(actor: Actor) -> bool:
    """Whether the person behind this session stepped up at most ten minutes ago, by the database's clock."""
    return is_fresh(actor.session)


def is_fresh(session: Mapping[str, Any]) -> bool:
    """The same of a session as a decision keeps it. One that says nothing, or speaks of the future, is not fresh."""
    try:
        given = datetime.fromisoformat(session.get(AT, ""))
        return timedelta(0) <= clock.now() - given <= FRESH
    except (TypeError, ValueError):
        return False


def require_fresh(actor: Actor) -> None:
    """Raises StepUpNeeded, which a page answers by leading to the step-up and back."""
    if not fresh(actor):
        raise StepUpNeeded()


def stamp(request: HttpRequest, *, mfa: bool) -> None:
    """Mark the session: just now, and with a second factor or without."""
    request.session[AT] = clock.now().isoformat()
    request.session[MFA] = bool(request.session.get(MFA)) or mfa


def forget(request: HttpRequest) -> None:
    """The second factor that this session gave is no more."""
    request.session.pop(AT, None)
    request.session[MFA] = False


def said(request: HttpRequest) -> dict[str, Any]:
    """What an actor's session says: `{"id", "mfa", "auth_time", "step_up_at"}`, the last two where they are known."""
    session = request.session
    told = {key: session[key] for key in (SIGNED_IN, AT) if key in session}
    return {"id": (session.session_key or "")[:8], MFA: bool(session.get(MFA)), **told}
