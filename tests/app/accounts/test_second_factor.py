from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.test import Client

from app.accounts.sign_in import CODES
from app.core.models import AuditRecord, RecoveryCode, SecondFactor, User
from tests.app.accounts.signing_in import Phone, enrolled, password, signed_in
from tests.factories import PASSWORD


def last(event: str) -> AuditRecord:
    return AuditRecord.objects.filter(event=event).latest("id")


def second(client: Client, code: str) -> int:
    return client.post("/sign-in/second/", {"code": code}).status_code


def is_in(client: Client) -> bool:
    return client.get("/incidents/").status_code == 200


def test_a_password_alone_opens_nothing_for_somebody_with_a_second_factor(approver: User) -> None:
    phone, _ = enrolled(approver)
    client = Client()
    assert password(client, approver, "/approvals/").headers["Location"] == "/sign-in/second/"
    assert not is_in(client)
    assert second(client, "000000") == 200
    assert not is_in(client)
    answer = client.post("/sign-in/second/", {"code": phone.code()})
    assert answer.headers["Location"] == "/approvals/"
    assert last("person.signed_in").session["mfa"] is True
    assert last("person.signed_in").detail["way"] == "password, totp"


def test_a_code_is_good_once_and_within_a_step(approver: User) -> None:
    phone, _ = enrolled(approver)
    old, code = phone.code(-3), phone.code()
    for given, lets_in in [(old, False), (code, True), (code, False), (phone.code(-1), False)]:
        client = Client()
        password(client, approver)
        assert (second(client, given) == 302) is lets_in


def test_a_recovery_code_is_good_once(approver: User) -> None:
    _, codes = enrolled(approver)
    for given, lets_in in [(codes[0].upper().replace("-", " "), True), (codes[0], False), (codes[1], True)]:
        client = Client()
        password(client, approver)
        assert (second(client, given) == 302) is lets_in
    assert RecoveryCode.objects.filter(used_at=None).count() == 8
    assert codes[2].replace("-", "") not in str(list(RecoveryCode.objects.values_list("digest", flat=True)))


def test_wrong_codes_are_limited_for_the_person_over_all_sessions(approver: User) -> None:
    phone, _ = enrolled(approver)
    for _ in range(CODES):
        client = Client()
        password(client, approver)
        assert second(client, "000000") == 200
    client = Client()
    password(client, approver)
    answer = client.post("/sign-in/second/", {"code": phone.code()})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert not is_in(client)


def test_the_half_way_session_ends_with_a_new_password_or_a_disabled_account(approver: User) -> None:
    phone, _ = enrolled(approver)
    for change in ({"is_active": False}, {"password": "another"}):
        client = Client()
        password(client, approver)
        User.objects.filter(pk=approver.pk).update(**change)
        assert client.post("/sign-in/second/", {"code": phone.code()}).headers["Location"] == "/sign-in/"
        User.objects.filter(pk=approver.pk).update(is_active=True, password=approver.password)


def test_one_is_set_up_on_the_own_page_after_a_step_up_and_the_secret_is_kept_sealed(approver: User) -> None:
    client, other = signed_in(approver), signed_in(approver)
    asked = client.post("/settings/sign-in/begin/")
    assert asked.headers["Location"].startswith("/step-up/")
    assert client.post("/step-up/", {"password": PASSWORD, "next": "/settings/sign-in/"}).status_code == 302
    page = client.post("/settings/sign-in/begin/").content.decode()
    assert "<svg" in page and " style=" not in page
    phone = Phone(approver)
    assert client.post("/settings/sign-in/confirm/", {"code": "12"}).status_code == 200
    assert not SecondFactor.objects.filter(confirmed_at__isnull=False).exists()
    shown = client.post("/settings/sign-in/confirm/", {"code": phone.code()})
    assert shown.content.decode().count("<li>") >= 10
    assert "no-store" in shown.headers["Cache-Control"]
    assert SecondFactor.objects.get().sealed.startswith("gAAAA")
    assert is_in(client) and not is_in(other)


def test_it_is_removed_after_a_step_up_alone_and_never_where_it_is_demanded(
    approver: User, administrator: User
) -> None:
    phone, _ = enrolled(approver)
    client = Client()
    password(client, approver)
    second(client, phone.code())
    session = client.session
    session.pop("step_up_at")
    session.save()
    assert client.post("/settings/sign-in/remove/").headers["Location"].startswith("/step-up/")
    phone.rest()
    client.post("/step-up/", {"code": phone.code(), "next": "/settings/sign-in/"})
    demand(administrator, "approver")
    assert client.post("/settings/sign-in/remove/").status_code == 422
    demand(administrator)
    assert client.post("/settings/sign-in/remove/").headers["Location"] == "/settings/sign-in/"
    assert not SecondFactor.objects.exists() and not RecoveryCode.objects.exists()
    assert client.session["mfa"] is False
    assert client.post("/settings/sign-in/codes/").headers["Location"].startswith("/step-up/")


def demand(administrator: User, *roles: str) -> Client:
    client = signed_in(administrator)
    client.post("/step-up/", {"password": PASSWORD})
    assert client.post("/settings/people/second-factor/", {"roles": roles}).headers["Location"] == "/settings/people/"
    return client


def test_where_it_is_demanded_nothing_opens_before_it_is_set_up(approver: User, administrator: User) -> None:
    before = signed_in(approver)
    demand(administrator, "approver")
    assert not is_in(before)
    client = Client()
    assert password(client, approver, "/approvals/").headers["Location"] == "/settings/sign-in/"
    for path in ("/incidents/", "/approvals/", "/settings/tokens/"):
        assert client.get(path).headers["Location"] == "/settings/sign-in/"
    assert client.post("/settings/tokens/make/", {"name": "x"}).headers["Location"] == "/settings/sign-in/"
    client.post("/settings/sign-in/begin/")
    assert client.post("/settings/sign-in/confirm/", {"code": Phone(approver).code()}).status_code == 200
    assert is_in(client)


def test_a_role_of_which_it_is_demanded_is_given_with_a_new_sign_in(viewer: User, administrator: User) -> None:
    client, admin = signed_in(viewer), demand(administrator, "approver")
    admin.post(f"/settings/people/{viewer.pk}/", {"act": "change", "roles": ["viewer", "approver"]})
    assert not is_in(client)
    assert password(client, viewer).headers["Location"] == "/settings/sign-in/"
    assert client.post("/settings/sign-in/begin/").status_code == 200


def test_an_administrator_resets_it_after_a_step_up_and_all_sessions_end(approver: User, administrator: User) -> None:
    phone, _ = enrolled(approver)
    theirs = Client()
    password(theirs, approver)
    second(theirs, phone.code())
    client, path = signed_in(administrator), f"/settings/people/{approver.pk}/"
    assert client.post(path, {"act": "factor"}).headers["Location"].startswith("/step-up/")
    assert is_in(theirs)
    client.post("/step-up/", {"password": PASSWORD})
    client.post(path, {"act": "factor"})
    assert not is_in(theirs)
    assert password(Client(), approver).headers["Location"] == "/incidents/"
    assert last("person.second_factor_reset").actor["name"] == "administrator"


def test_the_host_helps_the_last_administrator_who_lost_everything(
    administrator: User, capsys: pytest.CaptureFixture[str]
) -> None:
    phone, _ = enrolled(administrator)
    client = Client()
    password(client, administrator)
    second(client, phone.code())
    call_command("user", "reset", "administrator")
    assert not is_in(client)
    link = capsys.readouterr().out.split()[-1]
    assert Client().get(urlsplit(link).path, follow=True).status_code == 200
    assert last("person.second_factor_reset").source["door"] == "command"
    assert password(Client(), administrator).headers["Location"] == "/incidents/"
