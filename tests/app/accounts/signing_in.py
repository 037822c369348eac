"""What tests of sign-in share: the codes that somebody's phone would show."""

from __future__ import annotations

from typing import Any

import pyotp.totp
from django.test import Client

from app.accounts import second_factor
from app.core import clock, inbound
from app.core.audit import Actor, Source
from app.core.models import SecondFactor, User
from tests.factories import PASSWORD


class Phone:
    """Somebody's authenticator. `code` is the one of now; `later` steps of 30 s ahead, or behind."""

    def __init__(self, user: User) -> None:
        self.user = user

    def code(self, later: int = 0) -> str:
        secret = inbound.unseal(SecondFactor.objects.get(user=self.user).sealed)
        return pyotp.totp.TOTP(secret).at(int(clock.now().timestamp()) + 30 * later)

    def rest(self) -> None:
        """As if half a minute had passed since the last code that was taken."""
        SecondFactor.objects.filter(user=self.user).update(last_step=0)


def enrolled(user: User) -> tuple[Phone, list[str]]:
    """A phone with a confirmed authenticator, and the recovery codes."""
    second_factor.begin(user)
    phone = Phone(user)
    codes = second_factor.confirm(user, phone.code(), actor=Actor.of(user), source=Source("web"))
    phone.rest()
    return phone, codes


def password(client: Client, user: User, next: str = "") -> Any:
    return client.post("/sign-in/", {"username": user.username, "password": PASSWORD, "next": next})


def signed_in(user: User, client: Client | None = None) -> Client:
    """Through the door, so that the session says how."""
    client = client or Client()
    assert password(client, user).status_code == 302
    return client
