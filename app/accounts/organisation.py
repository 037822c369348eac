"""Leaving for the organisation's sign-in and coming back: to sign in, to step up, or to link it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from app.accounts import second_factor
from app.accounts.entering import go_on
from app.accounts.oidc import LEEWAY_S, Claims, Leaving, Provider, Refused, come_back, identity_of, leave, provider
from app.accounts.step_up import stepped_up
from app.core import audit, clock, limits, stepup
from app.core.audit import SYSTEM, Actor, Source
from app.core.door import actor_of, needs, person, source_of
from app.core.errors import Invalid, NotAllowed
from app.core.http import own_path
from app.core.models import Identity, User

AWAY = "away"  # key of a session whose person is at the provider
LEAVE = 300  # times from one address in 15 minutes: an office, not a flood of sessions
AWAY_FOR = timedelta(minutes=10)


@require_POST
def to_sign_in(request: HttpRequest) -> HttpResponse:
    return _leave(request, "sign-in", request.POST.get("next", ""))


@require_POST
@needs("sign_in.own")
def to_step_up(request: HttpRequest) -> HttpResponse:
    return _leave(request, "step-up", request.POST.get("next", ""), anew=True)


@require_POST
@needs("sign_in.own")
def link(request: HttpRequest) -> HttpResponse:
    """Leave to link the identity there, or take the link away: each after a step-up."""
    actor = actor_of(request)
    stepup.require_fresh(actor)
    if request.POST.get("act") != "unlink":
        return _leave(request, "link", reverse("own-sign-in"), anew=True)
    who = person(request)
    if not who.has_usable_password():
        raise Invalid("You have no password, so this is your only way in. Ask an administrator for a password link.")
    if found := identity_of(who):
        with transaction.atomic():
            found.delete()
            detail = {"issuer": found.issuer}
            audit.record("person.identity_unlinked", who, actor=actor, source=source_of(request), detail=detail)
    return redirect("own-sign-in")


@require_GET
@never_cache
def back(request: HttpRequest) -> HttpResponse:
    """Where the provider sends people back to. Only the session that left, once, within ten minutes."""
    of, away = provider(), request.session.pop(AWAY, None)
    try:
        kept = _kept(request, of, away)
        claims = come_back(of, kept, code=request.GET.get("code", ""), back=_address(request))  # type: ignore[arg-type]
        return _ARRIVALS[away["for"]](request, claims, away)
    except NotAllowed as error:
        where, detail = source_of(request), {"way": "oidc"}
        audit.record(
            "person.sign_in_failed", "oidc", actor=SYSTEM, source=where, outcome="denied", detail=detail,
            reason=str(error),
        )  # fmt: skip
        raise


# --- leaving -----------------------------------------------------------------------------------------------------


def _leave(request: HttpRequest, purpose: str, wanted: str, *, anew: bool = False) -> HttpResponse:
    """A page that leads on: a redirect of a form to another site is what the content policy refuses."""
    of = provider()
    if of is None:
        raise Invalid("No sign-in of an organisation is set up here.")
    limits.spend("leave", {limits.caller(str(request.META.get("REMOTE_ADDR", ""))): LEAVE})
    url, kept = leave(of, back=_address(request), anew=anew)
    request.session[AWAY] = {
        **asdict(kept),
        "for": purpose,
        "person": request.user.pk,
        "at": clock.now().isoformat(),
        "next": own_path(request, wanted, ""),
    }
    return render(request, "accounts/leaving.html", {"url": url, "provider": of})


def _address(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("sign-in-oidc-back"))


def _kept(request: HttpRequest, of: Provider | None, away: dict[str, Any] | None) -> Leaving:
    """What this session kept when it left. Raises Refused where the answer is not to its question."""
    if of is None or not away or not constant_time_compare(request.GET.get("state", ""), away["state"]):
        raise Refused("This answer belongs to no sign-in that was begun here. Begin again.")
    if clock.now() - datetime.fromisoformat(away["at"]) > AWAY_FOR or away["person"] != request.user.pk:
        raise Refused("That took too long, or somebody else is signed in by now. Begin again.")
    if request.GET.get("iss", of.issuer) != of.issuer:  # RFC 9207
        raise Refused("This answer comes from somebody else. Begin again.")
    if "error" in request.GET:
        raise Refused(f"{of.label} said no. Try again, or sign in with your password.")
    return Leaving(away["state"], away["nonce"], away["verifier"], away["anew"])


# --- arriving ----------------------------------------------------------------------------------------------------


def _sign_in(request: HttpRequest, claims: Claims, away: dict[str, Any]) -> HttpResponse:
    known = Identity.objects.select_related("user").filter(issuer=claims.issuer, subject=claims.subject).first()
    who = known.user if known else _invited(claims, source_of(request))
    if not who.is_active:
        raise Refused("This account is disabled.")
    return go_on(request, who, way="oidc", mfa=claims.mfa, wanted=away["next"])


def _step_up(request: HttpRequest, claims: Claims, away: dict[str, Any]) -> HttpResponse:
    who = person(request)
    mine = identity_of(who)
    if mine is None or mine.subject != claims.subject:
        raise Refused("That is somebody else than who is signed in here.")
    _require_anew(claims, away)
    if second_factor.has(who) or (second_factor.demanded(who) and not claims.mfa):
        raise Refused("This needs the code of your authenticator.")
    return stepped_up(
        request, who, way="oidc", mfa=claims.mfa, back=own_path(request, away["next"], reverse("incidents"))
    )


def _link(request: HttpRequest, claims: Claims, away: dict[str, Any]) -> HttpResponse:
    _require_anew(claims, away)
    _linked(person(request), claims, actor_of(request), source_of(request))
    messages.success(request, "Linked: from now on you can sign in there.")
    return redirect("own-sign-in")


_ARRIVALS = {"sign-in": _sign_in, "step-up": _step_up, "link": _link}


def _require_anew(claims: Claims, away: dict[str, Any]) -> None:
    left = datetime.fromisoformat(away["at"]).timestamp()
    if claims.auth_time is None or claims.auth_time < left - LEEWAY_S:
        raise Refused("The organisation's sign-in remembered you instead of asking again, so this does not count.")


def _invited(claims: Claims, source: Source) -> User:
    """The one person who was invited by this address and has not come in yet. Raises Refused for everybody else."""
    of = provider()
    domain = claims.email.rpartition("@")[2].lower()
    if not claims.email_verified or of is None or domain not in of.domains:
        raise Refused("Nobody here is known by that identity. Sign in with your password and link it, or be invited.")
    found = list(User.objects.filter(email__iexact=claims.email, is_active=True)[:2])
    fresh = [who for who in found if who.invited_at and not who.last_login and not who.has_usable_password()]
    if len(found) != 1 or not fresh:
        raise Refused("Nobody here is known by that identity. Sign in with your password and link it, or be invited.")
    _linked(fresh[0], claims, Actor.of(fresh[0]), source)
    return fresh[0]


def _linked(who: User, claims: Claims, actor: Actor, source: Source) -> None:
    try:
        with transaction.atomic():
            Identity.objects.create(user=who, issuer=claims.issuer, subject=claims.subject)
            detail = {"issuer": claims.issuer}
            audit.record("person.identity_linked", who, actor=actor, source=source, detail=detail)
    except IntegrityError as error:
        raise Refused("That identity, or this person, is linked already.") from error
