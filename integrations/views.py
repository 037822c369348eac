"""Settings › Connections."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from app.core.door import by, needs, person
from app.core.roles import may
from integrations import queries, registry, set_up
from integrations.forms import ConnectionForm
from integrations.models import Connection


@require_GET
@needs("connection.read")
def connections_page(request: HttpRequest) -> HttpResponse:
    rows = queries.rows()
    healthy = sum(row.word == "Healthy" for row in rows)
    context = {"rows": rows, "healthy": healthy, "tab": "connections", "url": settings.URL}
    context["manage"] = may(request.user, "connection.manage")
    return render(request, "settings/connections.html", context)


@require_GET
@needs("connection.manage")
def kinds(request: HttpRequest) -> HttpResponse:
    return render(request, "settings/kinds.html", {"entries": registry.entries(), "tab": "connections"})


@require_http_methods(["GET", "HEAD", "POST"])
@needs("connection.manage")
def add(request: HttpRequest, kind: str) -> HttpResponse:
    entry = registry.entry(kind)
    form = ConnectionForm(entry, request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "settings/add.html", {"form": form, "entry": entry, "tab": "connections"})
    made, key = set_up.add(form.cleaned_data["name"], kind, form.config(), form.secrets(), **by(request))
    if "LiveMessenger" in entry.ports:  # nothing comes in by a key, and the rest of the way is there
        return redirect("notifications")
    return _show_key(request, made, key)


@require_POST
@needs("connection.manage")
def change(request: HttpRequest, name: str) -> HttpResponse:
    """One of test, rotate, off, on; the button says which."""
    connection = get_object_or_404(Connection, name=name)
    match request.POST.get("act"):
        case "test":
            set_up.ask_test(connection, by=person(request))
            if request.headers.get("HX-Request"):
                return _card(request, connection, waiting=True)
        case "rotate":
            return _show_key(request, connection, set_up.new_key(connection, **by(request)))
        case "off" | "on" as wish:
            set_up.switch(connection, on=wish == "on", **by(request))
    return redirect("settings")


@require_GET
@needs("connection.read")
def card(request: HttpRequest, name: str) -> HttpResponse:
    """One card, asked for again while a test is under way."""
    connection = get_object_or_404(Connection, name=name)
    return _card(request, connection, waiting=connection.tested_at is None)


def _card(request: HttpRequest, connection: Connection, *, waiting: bool) -> HttpResponse:
    context = {"row": queries.row(connection), "waiting": waiting, "url": settings.URL}
    context["manage"] = may(request.user, "connection.manage")
    return render(request, "settings/_connection.html", context)


def _show_key(request: HttpRequest, connection: Connection, key: str) -> HttpResponse:
    context = {"row": queries.row(connection), "key": key, "url": settings.URL, "tab": "connections"}
    return render(request, "settings/key.html", context)
