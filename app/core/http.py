"""Errors as answers, in one place: JSON for the API, a page or a fragment for people."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from app.core.errors import CountersignError


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
