"""Who stands at the door of a request: the actor and the source that audit records name."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypedDict, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from app.core.audit import Actor, Source
from app.core.models import User
from app.core.roles import require

View = Callable[..., HttpResponseBase]


class By(TypedDict):
    """Keyword arguments that every step of a person takes."""

    by: User
    actor: Actor
    source: Source


def needs(permission: str) -> Callable[[View], View]:
    """A view for signed-in people who have `permission`: others are asked to sign in, or told which role it takes."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            require(request.user, permission)
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return cast(View, login_required(guarded))

    return guard


def person(request: HttpRequest) -> User:
    """The signed-in user; only behind `needs`."""
    return cast(User, request.user)


def actor_of(request: HttpRequest) -> Actor:
    session = request.session.session_key or ""
    return Actor.of(person(request), {"id": session[:8]})


def by(request: HttpRequest) -> By:
    return {"by": person(request), "actor": actor_of(request), "source": source_of(request)}


def source_of(request: HttpRequest, door: str = "web") -> Source:
    return Source(door, str(request.META.get("REMOTE_ADDR", "")), request.headers.get("User-Agent", ""))
