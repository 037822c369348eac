"""Settings › Your sign-in: the second factor, recovery codes, and where one is signed in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import salted_hmac
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from app.accounts import second_factor
from app.accounts.oidc import identity_of, provider
from app.accounts.step_up import ways
from app.core import audit, limits, stepup
from app.core.door import actor_of, needs, person, source_of
from app.core.limits import caller
from app.core.models import Session
from app.core.sessions import end_sessions, open_sessions

A_TRY = 10  # codes of a new authenticator in 15 minutes


@require_GET
@never_cache
@needs("sign_in.own")
def page(request: HttpRequest) -> HttpResponse:
    who, here = person(request), request.session.session_key
    rows = [(row, _mark(row), row.pk == here) for row in open_sessions(who)]
    shown = {
        "has": second_factor.has(who),
        "demanded": second_factor.demanded(who),
        "codes_left": second_factor.codes_left(who),
        "ways": ways(who),
        "sessions": rows,
        "provider": provider(),
        "identity": identity_of(who),
        "tab": "sign-in",
    }
    return render(request, "settings/sign_in.html", shown)


@require_POST
@never_cache
@needs("sign_in.own")
def begin(request: HttpRequest) -> HttpResponse:
    """Show the secret of a new authenticator. It takes a fresh step-up, or whoever finds an open session keeps it."""
    if not request.session.get(stepup.MUST_ENROL):
        stepup.require_fresh(actor_of(request))
    return _set_up(request)


@require_POST
@never_cache
@needs("sign_in.own")
def confirm(request: HttpRequest) -> HttpResponse:
    """The first code of the new authenticator; then the recovery codes, this once."""
    who, ip = person(request), caller(str(request.META.get("REMOTE_ADDR", "")))
    if not request.session.get(stepup.MUST_ENROL):
        stepup.require_fresh(actor_of(request))
    tries = limits.spend("confirm", {f"person {who.pk}": A_TRY, ip: A_TRY * 5})
    code, keep = request.POST.get("code", ""), request.session.session_key
    if not second_factor.waits(who):
        return redirect("own-sign-in")
    try:
        codes = second_factor.confirm(who, code, actor=actor_of(request), source=source_of(request), keep=keep)
    except second_factor.WrongCode as wrong:
        return _set_up(request, str(wrong))
    limits.give_back(tries)
    stepup.stamp(request, mfa=True)
    request.session[stepup.MUST_ENROL] = False
    return render(request, "settings/recovery_codes.html", {"codes": codes, "tab": "sign-in"})


@require_POST
@never_cache
@needs("sign_in.own")
def recovery_codes(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    stepup.require_fresh(actor)
    codes = second_factor.new_codes(person(request), actor=actor, source=source_of(request))
    return render(request, "settings/recovery_codes.html", {"codes": codes, "tab": "sign-in"})


@require_POST
@needs("sign_in.own")
def remove(request: HttpRequest) -> HttpResponse:
    actor, keep = actor_of(request), request.session.session_key
    stepup.require_fresh(actor)
    second_factor.remove(person(request), actor=actor, source=source_of(request), keep=keep)
    stepup.forget(request)
    messages.success(request, "Your second factor was removed. Other sessions were ended.")
    return redirect("own-sign-in")


@require_POST
@needs("sign_in.own")
def end(request: HttpRequest) -> HttpResponse:
    """One session by its mark, or every one but this."""
    who, here, mark = person(request), request.session.session_key, request.POST.get("session", "")
    if mark:
        found = [row for row in open_sessions(who).exclude(pk=here) if _mark(row) == mark]
        count = sum(row.delete()[0] for row in found)
    else:
        count = end_sessions(who, keep=here)
    if count:
        detail = {"count": count}
        audit.record("person.sessions_ended", who, actor=actor_of(request), source=source_of(request), detail=detail)
    return redirect("own-sign-in")


def _set_up(request: HttpRequest, refused: str = "") -> HttpResponse:
    who = person(request)
    secret = second_factor.begin(who)
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    shown = {"picture": second_factor.picture(second_factor.uri(who, secret)), "secret": grouped, "refused": refused}
    return render(request, "settings/second_factor.html", {**shown, "tab": "sign-in"})


def _mark(row: Session) -> str:
    """Names a session on the page without telling its key."""
    return salted_hmac("countersign.session", row.pk).hexdigest()[:16]
