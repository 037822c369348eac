"""What every page of the console needs: the nav's counts, the person, the stream, the theme."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from app.core.models import User
from app.core.roles import PERMISSIONS, may
from approvals import kill_switch
from approvals.queries import waiting_for

THEMES = {"light", "dark"}
MOST = 99  # a badge above this says 99+


def console(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    theme = request.COOKIES.get("theme", "")
    shared = {"stream_url": settings.STREAM_URL, "theme": theme if theme in THEMES else "", "solo": False}
    if not isinstance(user, User):
        return {**shared, "may": {}, "waiting": 0, "halted": []}
    allowed = {name.replace(".", "_"): may(user, name) for name in PERMISSIONS}
    # A fragment has no nav and no banner: nothing is asked for them.
    htmx = getattr(request, "htmx", None)
    count = waiting_for(user, most=MOST) if allowed["proposal_decide"] and not htmx else 0
    halted = [] if htmx else kill_switch.scopes_on()
    return {**shared, "may": allowed, "waiting": f"{MOST}+" if count > MOST else count, "halted": halted}
