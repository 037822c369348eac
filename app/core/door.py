"""Who stands at the door of a request: the actor and the source that audit records name."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypedDict, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from app.core import stepup
from app.core.audit import Actor, Source, record
from app.core.errors import NotAllowed
from app.core.models import ApiToken, User
from app.core.roles import require
from app.core.token import bearer

SIGNED = {"proposal.decide", "execution.undo", "knowledge.manage"}  # by token only where signing by token is on
OWN = "sign_in.own"
DENIED_EVERY_S = 60  # seconds between two records of strangers from one address
NOBODY = Actor("nobody", "Nobody known", "service")
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
            try:
                require(request.user, permission)
            except NotAllowed as error:
                if request.method != "GET":  # a try to change something is in the trail, a look is not
                    _deny(request, error)
                raise
            if request.session.get(stepup.MUST_ENROL) and permission != OWN:
                return redirect("own-sign-in")  # a second factor is demanded: nothing else before it is set up
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return cast(View, login_required(guarded))

    return guard


class Token:
    """The key to an API operation: a bearer token with `scope` whose user has `permission`.

    Its user becomes the request's user. Without a live token 401, without scope or permission 403, which is recorded.
    """

    openapi_security_schema = {"type": "http", "scheme": "bearer"}

    def __init__(self, scope: str, permission: str) -> None:
        self.scope, self.permission = scope, permission

    def __call__(self, request: HttpRequest) -> ApiToken | None:
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        token = bearer(text.strip()) if kind.lower() == "bearer" else None
        if token is None:
            _note_stranger(request)
            return None
        request.user, request.token = token.user, token  # type: ignore[attr-defined]
        try:
            if self.scope not in token.scopes:
                raise NotAllowed(f"This token has no scope {self.scope}. Make one that has, under Settings › Tokens.")
            if self.permission in SIGNED and not settings.DECIDE_BY_TOKEN:  # one that is older than this setting
                raise NotAllowed("Signing by token is off here. Sign in and decide on the page.")
            require(token.user, self.permission)
        except NotAllowed as error:
            _deny(request, error)
            raise
        return token


def person(request: HttpRequest) -> User:
    """The signed-in user; only behind `needs`."""
    return cast(User, request.user)


def actor_of(request: HttpRequest) -> Actor:
    if token := getattr(request, "token", None):
        return Actor.of(person(request), {"token": token.prefix, "scopes": token.scopes})
    return Actor.of(person(request), stepup.said(request))


def by(request: HttpRequest) -> By:
    return {"by": person(request), "actor": actor_of(request), "source": source_of(request)}


def source_of(request: HttpRequest) -> Source:
    door = "api" if hasattr(request, "token") else "web"
    return Source(door, str(request.META.get("REMOTE_ADDR", "")), request.headers.get("User-Agent", ""))


def _note_stranger(request: HttpRequest) -> None:
    """A token that opens nothing is in the trail, once a minute per address: a flood must not fill it."""
    ip = str(request.META.get("REMOTE_ADDR", ""))
    if "Authorization" in request.headers and cache.add(f"token-denied:{ip}", 1, DENIED_EVERY_S):
        words = "The token is unknown, revoked or over, or its user is disabled."
        record(
            "access.denied",
            request.path,
            actor=NOBODY,
            source=Source("api", ip, request.headers.get("User-Agent", "")),
            outcome="denied",
            error_code="401",
            reason=words,
        )


def _deny(request: HttpRequest, error: NotAllowed) -> None:
    event = "decision.denied" if request.path.rstrip("/").endswith("/decisions") else "access.denied"
    record(
        event,
        request.path,
        actor=actor_of(request),
        source=source_of(request),
        outcome="denied",
        error_code=error.code,
        reason=str(error),
    )
