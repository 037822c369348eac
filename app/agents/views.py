"""Settings › Models."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from app.agents import queries
from app.agents.forms import ModelForm
from app.core.door import by, needs, person
from app.core.errors import Invalid
from app.core.roles import may, require
from app.gateway import pins
from incidents.agent.records import ToolPin
from integrations import set_up
from integrations.llm.configure import configure


@require_http_methods(["GET", "HEAD", "POST"])
@needs("connection.read")
def models_page(request: HttpRequest) -> HttpResponse:
    """What is configured, what it cost and what it is told; an administrator changes it here."""
    row = queries.model_row()
    form = ModelForm(request.POST or None, initial=row.config if row else None)
    if request.method == "POST":
        require(person(request), "connection.manage")
        if form.is_valid():
            try:
                configure(form.config(), form.secrets().get("key", ""), **by(request))
                return redirect("models")
            except Invalid as error:
                form.add_error(None, str(error))
    waiting = "tried" in request.GET and row is not None and row.tested_at is None
    shown: dict[str, Any] = {"page": queries.page(), "form": form, "tab": "models", "waiting": waiting}
    return render(request, "settings/models.html", {**shown, "manage": may(request.user, "connection.manage")})


@require_POST
@needs("connection.manage")
def try_it(request: HttpRequest) -> HttpResponse:
    row = queries.model_row()
    if row is None:
        raise Invalid("Save a model first.")
    set_up.ask_test(row, by=person(request))
    return redirect(f"{reverse('models')}?tried")


@require_GET
@needs("connection.read")
def tried(request: HttpRequest) -> HttpResponse:
    """Asked for again while the try is under way."""
    row = queries.model_row()
    waiting = row is not None and row.tested_at is None
    return render(request, "settings/_model_tried.html", {"row": row, "waiting": waiting})


@require_POST
@needs("connection.manage")
def trust(request: HttpRequest, pk: int) -> HttpResponse:
    pin = get_object_or_404(ToolPin, pk=pk)
    pins.trust(pin, request.POST.get("digest", ""), **by(request))
    return redirect("models")
