"""Sign in, sign out, choose a password, and make the first administrator."""

from __future__ import annotations

import hmac
import unicodedata
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordResetConfirmView
from django.db import transaction
from django.db.models.functions import Now
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views import View
from django.views.decorators.http import require_http_methods

from app.accounts.forms import SetupForm
from app.core import audit
from app.core.audit import SYSTEM, Actor
from app.core.door import source_of
from app.core.models import AuditRecord, User
from app.core.roles import ADMINISTRATOR, OPERATOR

TRIES = 10  # failed sign-ins for one name, or from one address
WITHIN = timedelta(minutes=15)


class OwnMethods(View):
    """Refuses other methods first: Django's views redirect or render before they look at the method."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if (request.method or "").lower() not in self.http_method_names:
            return self.http_method_not_allowed(request)
        return super().dispatch(request, *args, **kwargs)


class SignIn(OwnMethods, LoginView):
    template_name = "accounts/login.html"
    redirect_authenticated_user = True
    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method == "GET" and not User.objects.exists():
            return redirect("setup")
        if request.method == "POST" and _too_many(request):
            words = "Too many failed sign-ins. Wait 15 minutes, or ask an administrator for a new password link."
            return render(
                request, self.template_name, {"form": AuthenticationForm(request), "refused": words}, status=429
            )
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_valid(form)
        person = form.get_user()
        audit.record("person.signed_in", person, actor=Actor.of(person), source=source_of(self.request))
        return answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        name = _name(self.request)
        audit.record("person.sign_in_failed", name, actor=SYSTEM, source=source_of(self.request), outcome="denied")
        return super().form_invalid(form)


class SignOut(LogoutView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if isinstance(request.user, User):
            audit.record("person.signed_out", request.user, actor=Actor.of(request.user), source=source_of(request))
        return super().post(request, *args, **kwargs)


class Welcome(OwnMethods, PasswordResetConfirmView):
    """The link of an invitation: choose a password once, then sign in."""

    template_name = "accounts/welcome.html"
    success_url = reverse_lazy("sign-in")
    http_method_names = ["get", "head", "post"]

    def form_valid(self, form: SetPasswordForm[User]) -> HttpResponse:
        answer = super().form_valid(form)
        person = form.user
        audit.record("person.password_chosen", person, actor=Actor.of(person), source=source_of(self.request))
        return answer


@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """Make the first administrator with the token that the launcher printed; gone as soon as there is anybody."""
    if User.objects.exists():
        return redirect("sign-in")
    token = request.POST.get("token") or request.GET.get("token", "")
    fits = bool(settings.SETUP_TOKEN) and hmac.compare_digest(token.encode(), settings.SETUP_TOKEN.encode())
    form = SetupForm(request.POST or None)
    if request.method == "POST" and fits and form.is_valid():
        login(request, _first_administrator(request, form), backend="django.contrib.auth.backends.ModelBackend")
        return redirect("settings")
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


def _name(request: HttpRequest) -> str:
    """As the form reads it: blanks and other spellings of the same letters must not be counted apart."""
    typed = str(request.POST.get("username", ""))[:1000].replace("\0", "").strip()
    return unicodedata.normalize("NFKC", typed)[:150]


def _too_many(request: HttpRequest) -> bool:
    """Counted from the audit trail, so that it holds over all web processes and restarts."""
    recent = AuditRecord.objects.filter(event="person.sign_in_failed", time__gt=Now() - WITHIN)
    name = _name(request)
    address = str(request.META.get("REMOTE_ADDR", ""))
    return (
        recent.filter(subject__name=name)[:TRIES].count() >= TRIES
        or recent.filter(source__ip=address)[: TRIES * 5].count() >= TRIES * 5
    )
