"""Make the first administrator."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from app.accounts.entering import enter
from app.accounts.forms import SetupForm
from app.core import audit
from app.core.audit import Actor
from app.core.door import source_of
from app.core.models import User
from app.core.roles import ADMINISTRATOR, OPERATOR


@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """Make the first administrator with the token that the launcher printed; gone as soon as there is anybody."""
    if User.objects.exists():
        return redirect("sign-in")
    token = request.POST.get("token") or request.GET.get("token", "")
    fits = bool(settings.SETUP_TOKEN) and hmac.compare_digest(token.encode(), settings.SETUP_TOKEN.encode())
    form = SetupForm(request.POST or None)
    if request.method == "POST" and fits and form.is_valid():
        person = _first_administrator(request, form)
        return enter(request, person, way="password", mfa=False, wanted=reverse("settings"))
    return render(
        request, "accounts/setup.html", {"form": form, "token": token, "fits": fits}, status=200 if fits else 403
    )


def _first_administrator(request: HttpRequest, form: Form) -> User:
    given = form.cleaned_data
    first, _, last = given["name"].partition(" ")
    with transaction.atomic():
        person = User(username=given["username"], email=given["email"], first_name=first, last_name=last)
        person.roles, person.on_call = [ADMINISTRATOR, OPERATOR], True
        person.set_password(given["password"])
        person.save()
        audit.record(
            "person.created", person, actor=Actor.of(person), source=source_of(request), detail={"first": True}
        )
    return person
