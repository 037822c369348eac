from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from app.accounts import people, tokens
from app.core.audit import SYSTEM, Actor, Source
from app.core.models import ApiToken, User


def made(user: User) -> Client:
    _, text = tokens.make(user, "script", scopes=["read"], days=1, actor=Actor.of(user), source=Source("web"))
    return Client(headers={"Authorization": f"Bearer {text}"})


def test_a_token_shows_its_last_use_and_dies_with_its_person(approver: User, administrator: User) -> None:
    client = made(approver)
    assert ApiToken.objects.get().last_used_at is None
    assert client.get("/api/v1/incidents").status_code == 200
    assert ApiToken.objects.get().last_used_at is not None
    people.disable(approver, by=administrator, actor=SYSTEM, source=Source("web"))
    assert client.get("/api/v1/incidents").status_code == 401


@pytest.mark.parametrize("change", [{"expires_at": timedelta(seconds=-1)}, {"revoked_at": timedelta(0)}])
def test_a_token_that_expired_or_was_revoked_opens_nothing(approver: User, change: dict[str, timedelta]) -> None:
    client = made(approver)
    ApiToken.objects.update(**{name: timezone.now() + shift for name, shift in change.items()})
    assert client.get("/api/v1/incidents").status_code == 401


def test_a_token_never_steps_up(approver: User) -> None:
    client = made(approver)
    assert client.post("/step-up/", {"password": "x"}).headers["Location"].startswith("/sign-in/")
