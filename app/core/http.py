"""Who calls, behind a proxy too; and errors as answers: JSON for the API, a page or a fragment for people."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from app.core.errors import CountersignError, TooMany
from app.core.stepup import StepUpNeeded


class _HtmxRequest(HttpRequest):
    """As HtmxMiddleware leaves it."""

    htmx: HtmxDetails


def htmx(request: HttpRequest) -> HtmxDetails:
    """What htmx says of the request; false where a browser asks for the whole page."""
    return cast(_HtmxRequest, request).htmx


def own_path(request: HttpRequest, wanted: str, otherwise: str) -> str:
    """`wanted` where it stays on this site, as a path; else `otherwise`. Nobody is ever led away from here."""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    parts = urlsplit(wanted)
    path = urlunsplit(("", "", parts.path, parts.query, parts.fragment))
    return path if is_ours and path.startswith("/") and not path.startswith(("//", "/\\")) else otherwise


def to_step_up(request: HttpRequest) -> HttpResponse:
    """Lead to the step-up, and from there back to where the person was. What was pressed is not done."""
    home = reverse("incidents")
    if request.method == "GET":
        back = request.get_full_path()
    else:
        back = own_path(request, htmx(request).current_url or request.headers.get("Referer", ""), home)
    where = f"{reverse('step-up')}?{urlencode({'next': back})}"
    if not htmx(request):
        return HttpResponseRedirect(where)
    return HttpResponse(status=204, headers={"HX-Redirect": where})  # nothing was done, and nothing is swapped


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
        wait = {"Retry-After": str(error.retry_after_s)} if isinstance(error, TooMany) else {}
        if request.path.startswith(("/api/", "/hooks/", "/slack/")):
            return JsonResponse({"error": error.code, "message": str(error)}, status=error.status, headers=wait)
        if isinstance(error, StepUpNeeded):
            return to_step_up(request)
        answer = render(request, "error.html", {"error": error}, status=error.status)
        for name, value in wait.items():
            answer.headers[name] = value
        return answer
