"""Django's own request handling with the gateway's two addresses and without the console's middleware."""

from __future__ import annotations

from typing import Any

from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

URLS = "app.gateway.urls"


class _Bare:
    """No middleware: no session, no cookie, no redirect. A grant is the only way in."""

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        respond = self._get_response_async if is_async else self._get_response  # type: ignore[attr-defined]
        self._middleware_chain = convert_exception_to_response(respond)


class _AsgiRequest(ASGIRequest):
    urlconf = URLS


class _WsgiRequest(WSGIRequest):
    urlconf = URLS


class Asgi(_Bare, ASGIHandler):
    request_class = _AsgiRequest


class Wsgi(_Bare, WSGIHandler):
    """The same over WSGI, for tests: a call runs in the caller's thread and on its database connection."""

    request_class = _WsgiRequest
