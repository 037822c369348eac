"""Settings › Models."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
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
from integrations.llm import config as models
from integrations.llm.configure import configure
from integrations.models import Connection

KINDS = (models.KIND, models.EMBEDDING)


@require_http_methods(["GET", "HEAD", "POST"])
@needs("connection.read")
def models_page(request: HttpRequest) -> HttpResponse:
    """What is configured, what it cost and what it is told; an administrator changes it here."""
    rows = {kind: queries.model_row(kind) for kind in KINDS}
    forms = {kind: _form(request, kind, row) for kind, row in rows.items()}
    if request.method == "POST":
        require(person(request), "connection.manage")
        form = forms[_kind(request.POST)]
        if form.is_valid():
            try:
                configure(form.config(), form.secrets().get("key", ""), kind=_kind(request.POST), **by(request))
                return redirect("models")
            except Invalid as error:
                form.add_error(None, str(error))
    tried = request.GET.get("tried")
    waiting = {kind: tried == kind and row is not None and row.tested_at is None for kind, row in rows.items()}
    shown: dict[str, Any] = {"page": queries.page(), "forms": forms, "tab": "models", "waiting": waiting}
    return render(request, "settings/models.html", {**shown, "manage": may(request.user, "connection.manage")})


@require_POST
@needs("connection.manage")
def try_it(request: HttpRequest) -> HttpResponse:
    kind = _kind(request.POST)
    row = queries.model_row(kind)
    if row is None:
        raise Invalid("Save a model first.")
    set_up.ask_test(row, by=person(request))
    return redirect(f"{reverse('models')}?tried={kind}")


@require_GET
@needs("connection.read")
def tried(request: HttpRequest) -> HttpResponse:
    """Asked for again while the try is under way."""
    kind = _kind(request.GET)
    row = queries.model_row(kind)
    waiting = row is not None and row.tested_at is None
    return render(request, "settings/_model_tried.html", {"row": row, "waiting": waiting, "kind": kind})


def _kind(given: QueryDict) -> str:
    return next((kind for kind in KINDS if kind == given.get("kind")), models.KIND)


def _form(request: HttpRequest, kind: str, row: Connection | None) -> ModelForm:
    posted = request.POST if request.method == "POST" and _kind(request.POST) == kind else None
    prefix = None if kind == models.KIND else kind  # two forms on one page
    return ModelForm(kind, posted, initial=row.config if row else None, prefix=prefix)


@require_POST
@needs("connection.manage")
def trust(request: HttpRequest, pk: int) -> HttpResponse:
    pin = get_object_or_404(ToolPin, pk=pk)
    pins.trust(pin, request.POST.get("digest", ""), **by(request))
    return redirect("models")
