"""Who calls, behind a proxy too; and errors as answers: JSON for the API, a page or a fragment for people."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django_htmx.middleware import HtmxDetails

from app.core.errors import CountersignError, TooMany


class _HtmxRequest(HttpRequest):
    """As HtmxMiddleware leaves it."""

    htmx: HtmxDetails


def htmx(request: HttpRequest) -> HtmxDetails:
    """What htmx says of the request; false where a browser asks for the whole page."""
    return cast(_HtmxRequest, request).htmx


class CallerMiddleware:
    """Behind our own proxy, the caller is the last address that the proxy added: those before it anybody can write."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        last = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if settings.BEHIND_PROXY and last:
            with suppress(ValueError):  # a proxy that adds something else: its own address is all that is known
                request.META["REMOTE_ADDR"] = str(ip_address(last))
        return self.get_response(request)


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
            wait = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TooMany) else {}
            return JsonResponse({"error": error.code, "message": str(error)}, status=error.status, headers=wait)
        return render(request, "error.html", {"error": error}, status=error.status)
