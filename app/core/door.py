"""Who stands at the door of a request: the actor and the source that audit records name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypedDict, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from app.core.audit import Actor, Source, record
from app.core.errors import NotAllowed
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


def scope(name: str, permission: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An API operation for tokens with the scope `name` whose user has `permission`. Refusals are in the trail."""

    def guard(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            token = request.token  # type: ignore[attr-defined]
            try:
                if name not in token.scopes:
                    raise NotAllowed(f"This token has no scope {name}. Make one that has, under Settings › Tokens.")
                require(request.user, permission)
            except NotAllowed as error:
                _deny(request, error)
                raise
            return view(request, *args, **kwargs)

        guarded.permission, guarded.scope = permission, name  # type: ignore[attr-defined]
        # ninja reads the types of the parameters, and would look for their names in this module
        guarded.__signature__ = inspect.signature(view, eval_str=True)  # type: ignore[attr-defined]
        return guarded

    return guard


def person(request: HttpRequest) -> User:
    """The signed-in user; only behind `needs`."""
    return cast(User, request.user)


def actor_of(request: HttpRequest) -> Actor:
    if token := getattr(request, "token", None):
        return Actor.of(person(request), {"token": token.prefix, "scopes": token.scopes})
    session = request.session.session_key or ""
    return Actor.of(person(request), {"id": session[:8]})


def by(request: HttpRequest) -> By:
    return {"by": person(request), "actor": actor_of(request), "source": source_of(request)}


def source_of(request: HttpRequest) -> Source:
    door = "api" if hasattr(request, "token") else "web"
    return Source(door, str(request.META.get("REMOTE_ADDR", "")), request.headers.get("User-Agent", ""))


def _deny(request: HttpRequest, error: NotAllowed) -> None:
    event = "decision.denied" if request.path.endswith("/decisions") else "access.denied"
    record(
        event,
        request.path,
        actor=actor_of(request),
        source=source_of(request),
        outcome="denied",
        error_code=error.code,
        reason=str(error),
    )
