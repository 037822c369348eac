"""Every route × method × role has a declared expectation, and the site keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver

from app.accounts import tokens
from app.core.audit import Actor, Source
from app.core.models import User
from app.core.roles import ROLES, SCOPES, may
from approvals.models import Execution, Proposal
from tests import factories
from tests.walls import API, DOORS, PAGES

METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]
CAST = [*ROLES, "outsider", "disabled", "superuser"]


def routes(resolver: Any = None, prefix: str = "") -> Iterator[str]:
    for one in (resolver or get_resolver()).url_patterns:
        path = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from routes(one, path)
        elif isinstance(one, URLPattern) and one.name != "api-root":
            yield path


def test_every_route_has_its_expectation() -> None:
    declared = set(PAGES) | set(DOORS) | set(API)
    assert set(routes()) - declared == set()
    assert declared - set(routes()) == set()


@pytest.fixture
def place(transactional_db: None) -> dict[str, str]:
    """Rows for every route that names one, and how to fill its path."""
    incident = factories.incident(status="escalated")
    plan = {"action": "escalate", "title": "t", "why": "", "incident": incident.number, "root_asset": "x", "steps": []}
    plan |= {"on_red": "stop", "targets": [], "caps": {}, "window": None}
    proposal = Proposal.objects.create(
        incident=incident,
        number=1,
        action="escalate",
        title="t",
        plan=plan,
        risk="low",
        rehearsal="none",
        status="failed",
    )
    execution = Execution.objects.create(proposal=proposal, fingerprint="f" * 64)
    return {"number": str(incident.number), "proposal": str(proposal.pk), "execution": str(execution.pk)}


def filled(route: str, place: dict[str, str]) -> str:
    kind = "proposal" if "proposals/" in route else "execution" if "executions/" in route else ""
    values = {"number": place["number"], "pk": place.get(kind, "999999"), "name": "warehouse", "kind": "webhook"}
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values.get(found[1], "x"), route)


def person(name: str) -> User:
    made = factories.user(name, *([name] if name in ROLES else ROLES if name == "disabled" else []))
    made.is_superuser = made.is_staff = name == "superuser"
    made.is_active = name != "disabled"
    made.save()
    return made


def test_pages_let_in_whom_they_should_and_nobody_else(place: dict[str, str]) -> None:
    for name in [*CAST, "anonymous"]:
        client = Client(raise_request_exception=False)
        who = person(name) if name != "anonymous" else None
        if who:
            client.force_login(who)
        for (route, wants), method in product(PAGES.items(), METHODS):
            if wants.get(method) == "open":
                continue
            answer = client.generic(method, filled(route, place), headers={"Accept": "text/html"})
            expect(wants.get(method), who, answer, f"{name} {method} {route}", sign_in=True)


@override_settings(DECIDE_BY_TOKEN=True)
def test_the_api_lets_in_whom_it_should_and_nobody_else(place: dict[str, str]) -> None:
    for name in [*CAST, "anonymous"]:
        who = person(name) if name != "anonymous" else None
        headers = {"Authorization": f"Bearer {token(who)}"} if who and who.is_active and who.roles else {}
        client = Client(raise_request_exception=False, headers=headers)
        for (route, wants), method in product(API.items(), METHODS):
            answer = client.generic(method, filled(route, place), data="{}", content_type="application/json")
            expect(wants.get(method), who, answer, f"{name} {method} {route}", sign_in=False)


def test_doors_answer_keys_alone(place: dict[str, str]) -> None:
    client = Client(raise_request_exception=False)
    for (route, wants), method in product(DOORS.items(), METHODS):
        answer = client.generic(method, filled(route, place), data="{}", content_type="application/json")
        assert answer.status_code == (401 if method in wants else 405), f"{method} {route}: {answer.status_code}"


def token(who: User) -> str:
    scopes = [scope for scope in SCOPES if scope != "decide" or may(who, "kill_switch.lift")]
    return tokens.make(who, "wall", scopes=scopes, days=1, actor=Actor.of(who), source=Source("api"))[1]


def expect(permission: str | None, who: User | None, answer: Any, where: str, *, sign_in: bool) -> None:
    code = answer.status_code
    to_sign_in = code == 302 and answer.headers.get("Location", "").startswith("/sign-in/")
    stranger = who is None or not who.is_active or (not sign_in and not who.roles)
    if permission is None:
        assert code in {405, 403} or to_sign_in or (stranger and code == 401), f"{where}: {code}"
    elif stranger:
        assert to_sign_in if sign_in else code == 401, f"{where}: {code}"
    elif not may(who, permission):
        assert code == 403, f"{where}: {code}"
    else:
        assert not to_sign_in, f"{where}: sent to sign in"
        assert code not in {401, 403, 405}, f"{where}: {code}"
        assert code < 500, f"{where}: {code}"
