"""Sign in with a password and a second factor, sign out, and choose a password."""

from __future__ import annotations

import unicodedata

from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views import View
from django.views.decorators.http import require_http_methods

from app.accounts import second_factor
from app.accounts.entering import enter, go_on, half_way
from app.accounts.oidc import provider
from app.core import audit, limits
from app.core.audit import SYSTEM, Actor
from app.core.door import source_of
from app.core.errors import TooMany
from app.core.limits import caller
from app.core.models import User
from app.core.sessions import end_sessions

TRIES = 10  # failed sign-ins for one name in 15 minutes
FROM_ONE = 50  # and from one address
CODES = 5  # wrong codes of one person: three of a million are right at any time
TOO_MANY = "Too many failed sign-ins. Wait 15 minutes, or ask an administrator for a new password link."


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
        self.extra_context = {"provider": provider()}
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            self.tries = limits.spend("sign-in", {f"name {_name(request)}": TRIES, _caller(request): FROM_ONE})
        except TooMany as error:
            shown = {"form": AuthenticationForm(request), "refused": TOO_MANY, "provider": provider()}
            return _refuse(request, self.template_name, shown, error)
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        limits.give_back(self.tries)
        person = form.get_user()
        return go_on(self.request, person, way="password", mfa=False, wanted=self.get_redirect_url())

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        name = _name(self.request)
        audit.record("person.sign_in_failed", name, actor=SYSTEM, source=source_of(self.request), outcome="denied")
        return super().form_invalid(form)


@require_http_methods(["GET", "HEAD", "POST"])
def second(request: HttpRequest) -> HttpResponse:
    """The code of the authenticator, or a recovery code, of somebody whose first factor was right."""
    waiting = half_way(request)
    if waiting is None:
        return redirect("sign-in")
    person, way, wanted = waiting
    if request.method != "POST":
        return render(request, "accounts/second.html", {"person": person})
    try:
        tries = limits.spend("second", {f"person {person.pk}": CODES, _caller(request): FROM_ONE})
    except TooMany as error:
        refused = "Too many wrong codes. Wait 15 minutes and sign in again."
        return _refuse(request, "accounts/second.html", {"person": person, "refused": refused}, error)
    kind = second_factor.check(person, request.POST.get("code", ""))
    if not kind:
        source, detail = source_of(request), {"way": way, "step": "second"}
        audit.record("person.sign_in_failed", person, actor=SYSTEM, source=source, outcome="denied", detail=detail)
        return render(request, "accounts/second.html", {"person": person, "refused": "That code does not fit."})
    limits.give_back(tries)
    return enter(request, person, way=f"{way}, {kind}", mfa=True, wanted=wanted)


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
        end_sessions(person)
        audit.record("person.password_chosen", person, actor=Actor.of(person), source=source_of(self.request))
        return answer


def _name(request: HttpRequest) -> str:
    """As the form reads it: blanks and other spellings of the same letters must not be counted apart."""
    typed = str(request.POST.get("username", ""))[:1000].replace("\0", "").strip()
    return unicodedata.normalize("NFKC", typed)[:150]


def _refuse(request: HttpRequest, template: str, shown: dict[str, object], error: TooMany) -> HttpResponse:
    answer = render(request, template, shown, status=error.status)
    answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer


def _caller(request: HttpRequest) -> str:
    return caller(str(request.META.get("REMOTE_ADDR", "")))
