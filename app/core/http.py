"""Errors as answers, in one place: JSON for the API, a page or a fragment for people."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TypedDict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from app.core.audit import Actor, Source
from app.core.errors import CountersignError, NotAllowed
from app.core.models import User


class Caller(TypedDict):
    """Who acts through a page, as the steps ask for it: `decide(..., **caller(request))`."""

    by: User
    actor: Actor
    source: Source


def caller(request: HttpRequest) -> Caller:
    """The signed-in person behind a request of the console. Raises NotAllowed when there is none."""
    if not isinstance(request.user, User):
        raise NotAllowed("Sign in first.")
    agent = request.headers.get("User-Agent", "")
    # Only a digest of the session's key: the key itself would let a reader of the trail take the session over.
    key = request.session.session_key or ""
    session = {"id": sha256(key.encode()).hexdigest()[:16]} if key else {}
    source = Source("web", request.META.get("REMOTE_ADDR", ""), agent)
    return Caller(by=request.user, actor=Actor.of(request.user, session), source=source)


class ErrorMiddleware:
    """Turns a CountersignError into the answer that its class names."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, CountersignError):
            return None
        if request.path.startswith(("/api/", "/hooks/")):
            return JsonResponse({"error": error.code, "message": str(error)}, status=error.status)
        return render(request, "error.html", {"error": error}, status=error.status)
