from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from app.core import clock, stepup
from app.core.audit import SYSTEM, Actor
from app.core.models import AuditRecord, User
from tests.app.accounts.signing_in import enrolled, signed_in
from tests.factories import PASSWORD


def given(user: User, seconds: float) -> Actor:
    """Somebody whose session stepped up so long ago, by the database's clock."""
    return Actor.of(user, {"step_up_at": (clock.now() - timedelta(seconds=seconds)).isoformat()})


@pytest.mark.parametrize(
    ("seconds", "counts"), [(1, True), (590, True), (601, False), (86_400, False), (-30, False), (-86_400, False)]
)
def test_a_step_up_counts_for_ten_minutes_and_never_from_the_future(
    approver: User, seconds: float, counts: bool
) -> None:
    assert stepup.fresh(given(approver, seconds)) is counts


@pytest.mark.parametrize("session", [{}, {"step_up_at": ""}, {"step_up_at": "soon"}, {"step_up_at": None}])
def test_a_session_that_says_nothing_sensible_did_not_step_up(db: None, session: dict[str, Any]) -> None:
    assert not stepup.is_fresh(session)
    assert not stepup.is_fresh({"step_up_at": datetime.now().isoformat()})
    assert not stepup.fresh(SYSTEM)


def test_the_password_again_counts_only_without_a_second_factor(approver: User) -> None:
    client = signed_in(approver)
    assert "step_up_at" not in client.session
    assert client.post("/step-up/", {"password": "wrong", "next": "/approvals/"}).status_code == 200
    assert "step_up_at" not in client.session
    assert AuditRecord.objects.filter(event="person.step_up_failed").count() == 1
    answer = client.post("/step-up/", {"password": PASSWORD, "next": "/approvals/"})
    assert answer.headers["Location"] == "/approvals/"
    assert client.session["mfa"] is False and client.session["step_up_at"]
    other = signed_in(approver)
    phone, _ = enrolled(approver)
    assert other.get("/step-up/").status_code == 302  # its session ended with the new factor
    client = Client()
    client.force_login(approver)
    assert client.post("/step-up/", {"password": PASSWORD}).status_code == 200
    assert "step_up_at" not in client.session
    assert client.post("/step-up/", {"code": phone.code()}).status_code == 302
    assert client.session["mfa"] is True and client.session["step_up_at"]


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "\x00//evil.example",
        "///evil",
    ],
)
def test_next_never_leaves_the_site(approver: User, wanted: str) -> None:
    client = signed_in(approver)
    answer = client.post("/step-up/", {"password": PASSWORD, "next": wanted})
    assert answer.headers["Location"] == "/incidents/"
    assert signed_in(approver).get("/step-up/", {"next": wanted}).context["next"] == "/incidents/"


def test_tries_are_limited_and_a_look_at_the_page_is_none(approver: User) -> None:
    client = signed_in(approver)
    codes = [client.post("/step-up/", {"password": "wrong"}).status_code for _ in range(6)]
    assert codes == [200] * 5 + [429]
    assert client.post("/step-up/", {"password": PASSWORD}).headers["Retry-After"]
    assert client.get("/step-up/").status_code == 200
    assert "step_up_at" not in client.session


def test_the_trail_says_how_strong_a_session_was(approver: User) -> None:
    client = signed_in(approver)
    client.post("/step-up/", {"password": PASSWORD})
    said = AuditRecord.objects.get(event="person.stepped_up").session
    assert set(said) == {"id", "mfa", "auth_time", "step_up_at"}
    assert said["mfa"] is False
    assert datetime.fromisoformat(said["auth_time"]) <= datetime.fromisoformat(said["step_up_at"])
