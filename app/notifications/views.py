"""Settings › Notifications: where incidents are told, and whose accounts there are whose."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from app.core.door import by, needs, person
from app.core.errors import Invalid
from app.core.roles import may
from app.notifications import queries
from app.notifications.forms import SlackForm
from integrations import inbound, linking, set_up
from integrations.models import Connection, LinkedAccount


@require_GET
@needs("account.own")
def notifications_page(request: HttpRequest) -> HttpResponse:
    user = person(request)
    shown: dict[str, Any] = {"tab": "notifications", "accounts": queries.accounts(user), "url": settings.URL}
    if may(user, "connection.read"):
        shown |= {"teams": queries.teams(), "manifests": queries.manifests(), "https": settings.HTTPS}
    return render(request, "settings/notifications.html", {**shown, "manage": may(user, "connection.manage")})


@require_POST
@needs("connection.manage")
def change_slack(request: HttpRequest, name: str) -> HttpResponse:
    """One of test, greet, change, retire; the button says which."""
    found = get_object_or_404(Connection, name=name, kind="slack")
    match request.POST.get("act"):
        case "test":
            set_up.ask_test(found, by=person(request))
        case "greet":
            set_up.ask_greeting(found, by=person(request))
        case "retire":
            inbound.retire(found, "signing_secret")
            set_up.change(found, {}, {}, **by(request))
        case "change":
            form = SlackForm(request.POST)
            if not form.is_valid():
                raise Invalid(" ".join(f"{field}: {errors[0]}" for field, errors in form.errors.items()))
            set_up.change(found, form.config(), form.secrets(), **by(request))
            messages.success(request, f"{found.name} was changed. Test it.")
    if request.headers.get("HX-Request"):
        found.refresh_from_db()
        return _card(request, found, waiting=True)
    return redirect("notifications")


@require_GET
@needs("connection.read")
def slack_card(request: HttpRequest, name: str) -> HttpResponse:
    """One card, asked for again while a test or a first message is under way."""
    found = get_object_or_404(Connection, name=name, kind="slack")
    return _card(request, found, waiting=found.tested_at is None)


def _card(request: HttpRequest, found: Connection, *, waiting: bool) -> HttpResponse:
    context = {"team": queries.team(found), "waiting": waiting, "manage": may(request.user, "connection.manage")}
    return render(request, "settings/notifications/_slack.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@needs("account.own")
def link_account(request: HttpRequest, code: str) -> HttpResponse:
    """Whether an account is yours: a GET asks, and changes nothing; a POST says so."""
    if request.method == "POST":
        made = linking.confirm(code, sure="sure" in request.POST, **by(request))
        messages.success(request, f"{made.name} in Slack is you from now on.")
        return redirect("notifications")
    found = linking.look(code)
    shown = {"found": found, "resembles": linking.resembles(found, person(request)), "tab": "notifications"}
    return render(request, "settings/notifications/link.html", shown)


@require_POST
@needs("account.own")
def unlink_account(request: HttpRequest, pk: int) -> HttpResponse:
    """One's own, or, for who manages people, anybody's."""
    mine = LinkedAccount.objects.select_related("user", "connection")
    if not may(request.user, "people.manage"):
        mine = mine.filter(user=person(request))
    found = get_object_or_404(mine, pk=pk)
    linking.unlink(found, **by(request))
    messages.success(request, f"{found.name} is unlinked: what comes from it decides nothing.")
    return redirect("notifications" if found.user_id == person(request).pk else "people")
