"""Settings › People and Settings › Tokens."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from app.accounts import people, second_factor, tokens
from app.accounts.forms import PersonForm, TokenForm
from app.core import stepup
from app.core.door import actor_of, by, needs, person, source_of
from app.core.errors import Invalid
from app.core.models import ApiToken, User
from app.core.roles import PERMISSIONS, ROLES
from app.core.token import API
from app.notifications.queries import everybodys_accounts


@require_GET
@needs("people.manage")
def people_page(request: HttpRequest) -> HttpResponse:
    everybody = User.objects.select_related("second_factor").order_by("-is_active", "username")
    table = [(name, [role in allowed for role in ROLES]) for name, allowed in PERMISSIONS.items()]
    context = {"people": everybody, "form": PersonForm(), "roles": ROLES, "table": table, "tab": "people"}
    context["accounts"] = everybodys_accounts()
    context["demanded"] = second_factor.demanded_roles()
    return render(request, "settings/people.html", context)


@require_POST
@needs("people.manage")
def invite(request: HttpRequest) -> HttpResponse:
    form = PersonForm(request.POST)
    if not form.is_valid():
        raise Invalid(" ".join(f"{field}: {errors[0]}" for field, errors in form.errors.items()))
    given = form.cleaned_data
    invited = people.invite(
        given["username"],
        email=given["email"],
        name=given["name"],
        roles=given["roles"],
        on_call=given["on_call"],
        **by(request),
    )
    return _with_link(request, invited)


@require_POST
@needs("people.manage")
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """One of: new roles, a new password link, disable, enable; the button says which."""
    found = get_object_or_404(User, pk=pk)
    match request.POST.get("act"):
        case "disable":
            people.disable(found, **by(request))
        case "enable":
            people.enable(found, **by(request))
        case "factor":
            stepup.require_fresh(actor_of(request))
            second_factor.reset(found, **by(request))
            messages.success(request, f"The second factor of {found.label} was reset, and their sessions ended.")
        case "link":
            people.offer_link(found, **by(request))
            return _with_link(request, found)
        case _:
            on_call = "on_call" in request.POST
            roles, groups = request.POST.getlist("roles"), request.POST.get("groups", "").replace(",", " ").split()
            people.change(found, roles=roles, groups=groups, on_call=on_call, **by(request))
            messages.success(request, f"{found.label} was changed.")
    return redirect("people")


@require_POST
@needs("people.manage")
def demand(request: HttpRequest) -> HttpResponse:
    """Of which roles a second factor is demanded: the roles that are ticked."""
    who = by(request)
    stepup.require_fresh(who["actor"])
    roles = people.known(request.POST.getlist("roles")) if request.POST.getlist("roles") else []
    second_factor.demand(roles, keep=request.session.session_key, **who)
    if second_factor.is_missing(who["by"]):
        request.session[stepup.MUST_ENROL] = True
    messages.success(request, "Saved. Whoever lacks a second factor sets one up at the next sign-in.")
    return redirect("people")


def _with_link(request: HttpRequest, found: User) -> HttpResponse:
    uid, token = people.welcome_parts(found)
    link = request.build_absolute_uri(reverse("welcome", args=[uid, token]))
    return render(request, "settings/invited.html", {"found": found, "link": link, "tab": "people"})


@require_GET
@needs("token.own")
def tokens_page(request: HttpRequest) -> HttpResponse:
    mine = ApiToken.objects.filter(user=person(request), revoked_at=None).order_by("-created_at")
    return render(request, "settings/tokens.html", {"tokens": mine, "form": TokenForm(), "tab": "tokens"})


@require_POST
@needs("token.own")
def make_token(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.POST)
    if not form.is_valid():
        raise Invalid(" ".join(f"{field}: {errors[0]}" for field, errors in form.errors.items()))
    given = form.cleaned_data
    token, text = tokens.make(
        person(request),
        given["name"],
        scopes=given["scopes"],
        days=given["days"],
        audience=given["audience"] or API,
        actor=actor_of(request),
        source=source_of(request),
    )
    return render(request, "settings/token_made.html", {"token": token, "text": text, "tab": "tokens"})


@require_POST
@needs("token.own")
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, pk=pk, user=person(request))
    tokens.revoke(token, **by(request))
    return redirect("tokens")
