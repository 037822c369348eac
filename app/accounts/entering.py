"""The last steps of every sign-in, whichever way it began."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth import login
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from app.accounts import second_factor
from app.core import audit, clock, stepup
from app.core.audit import Actor
from app.core.door import source_of
from app.core.http import own_path
from app.core.models import Session, User

HALF_WAY = "half_way"  # key of a session whose person gave the first factor
HALF_WAY_FOR = timedelta(minutes=5)
BACKEND = "django.contrib.auth.backends.ModelBackend"
LONGEST_AGENT = 200  # characters


def go_on(request: HttpRequest, person: User, *, way: str, mfa: bool, wanted: str) -> HttpResponse:
    """After the first factor: in, or on to the second. `mfa` says that this way has seen a second one already."""
    if mfa or not second_factor.has(person):
        return enter(request, person, way=way, mfa=mfa, wanted=wanted)
    request.session.cycle_key()  # what somebody may have planted before is not carried half way in
    request.session[HALF_WAY] = {
        "person": person.pk,
        "hash": person.get_session_auth_hash(),
        "at": clock.now().isoformat(),
        "way": way,
        "next": wanted,
    }
    return redirect("sign-in-second")


def half_way(request: HttpRequest) -> tuple[User, str, str] | None:
    """`(person, way, wanted)` of a session that waits for the second factor, while that is fresh and still true."""
    kept = request.session.get(HALF_WAY)
    if not kept or clock.now() - datetime.fromisoformat(kept["at"]) > HALF_WAY_FOR:
        return None
    person = User.objects.filter(pk=kept["person"], is_active=True).first()
    if person is None or not constant_time_compare(kept["hash"], person.get_session_auth_hash()):
        return None
    return person, kept["way"], kept["next"]


def enter(request: HttpRequest, person: User, *, way: str, mfa: bool, wanted: str = "") -> HttpResponse:
    """Open the session; `way` is password, oidc, totp or recovery. Leads to `wanted` where that is on this site."""
    request.session.pop(HALF_WAY, None)
    login(request, person, backend=BACKEND)
    agent = request.headers.get("User-Agent", "")[:LONGEST_AGENT].replace("\0", "")
    request.session.update(
        {"ip": str(request.META.get("REMOTE_ADDR", "")), "agent": agent, stepup.SIGNED_IN: clock.now().isoformat()}
    )
    if mfa:
        stepup.stamp(request, mfa=True)
    Session.objects.filter(expire_date__lt=Now()).delete()  # of everybody: nobody else tidies up
    must_enrol = not mfa and second_factor.demanded(person)
    request.session[stepup.MUST_ENROL] = must_enrol
    actor, detail = Actor.of(person, stepup.said(request)), {"way": way, "mfa": mfa}
    audit.record("person.signed_in", person, actor=actor, source=source_of(request), detail=detail)
    return redirect("own-sign-in" if must_enrol else own_path(request, wanted, reverse("incidents")))
