"""The page on which a person shows once more who they are, before something grave; and back to where they were."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from app.accounts import second_factor
from app.accounts.oidc import identity_of, provider
from app.accounts.sign_in import CODES, FROM_ONE
from app.core import audit, limits, stepup
from app.core.door import actor_of, needs, person, source_of
from app.core.errors import TooMany
from app.core.http import own_path
from app.core.limits import caller
from app.core.models import User

DONE = "You showed who you are; that counts for 10 minutes. Nothing was done yet: read it once more, then press again."


@require_http_methods(["GET", "POST"])
@needs("sign_in.own")
def step_up(request: HttpRequest) -> HttpResponse:
    """A code, or the password again; never the act itself."""
    who = person(request)
    asked = ways(who)
    back = own_path(request, request.POST.get("next") or request.GET.get("next", ""), reverse("incidents"))
    can_leave = asked in {"password", "oidc"} and identity_of(who) is not None
    shown = {"asked": asked, "next": back, "provider": provider(), "can_leave": can_leave}
    if request.method != "POST":
        return render(request, "accounts/step_up.html", shown)
    try:
        tries = limits.spend("second", {f"person {who.pk}": CODES, _caller(request): FROM_ONE})
    except TooMany as error:
        shown["refused"] = "Too many tries that did not fit. Wait 15 minutes."
        answer = render(request, "accounts/step_up.html", shown, status=429)
        answer.headers["Retry-After"] = str(error.retry_after_s)
        return answer
    kind = _given(request, who, asked)
    if not kind:
        who_not, where = actor_of(request), source_of(request)
        audit.record("person.step_up_failed", who, actor=who_not, source=where, outcome="denied")
        shown["refused"] = "That does not fit." if asked != "enrol" else "Set up your second factor first."
        return render(request, "accounts/step_up.html", shown)
    limits.give_back(tries)
    return stepped_up(request, who, way=kind, mfa=asked == "code", back=back)


def stepped_up(request: HttpRequest, who: User, *, way: str, mfa: bool, back: str) -> HttpResponse:
    """Stamp the session, put it on record, and lead back."""
    stepup.stamp(request, mfa=mfa)
    audit.record("person.stepped_up", who, actor=actor_of(request), source=source_of(request), detail={"way": way})
    messages.success(request, DONE)
    return redirect(back)


def ways(who: User) -> str:
    """What this person can show: `code`, `enrol` (one is demanded and there is none), `password`, or `oidc`."""
    if second_factor.has(who):
        return "code"
    if second_factor.demanded(who):
        return "enrol"
    if who.has_usable_password():
        return "password"
    return "oidc" if identity_of(who) else "enrol"


def _given(request: HttpRequest, who: User, asked: str) -> str:
    if asked == "code":
        return second_factor.check(who, request.POST.get("code", ""))
    if asked == "password" and who.check_password(request.POST.get("password", "")):
        return "password"
    return ""


def _caller(request: HttpRequest) -> str:
    return caller(str(request.META.get("REMOTE_ADDR", "")))
