from __future__ import annotations

import pytest
from django.test import Client

from app.accounts.sign_in import TRIES
from app.core.models import AuditRecord, User
from tests.pages.test_settings import signed_in


@pytest.mark.django_db
def test_blanks_and_other_letters_around_a_name_do_not_give_more_tries(approver: User) -> None:
    for attempt in range(TRIES):
        spelled = f"{' ' * attempt}approver" if attempt % 2 else "ａpprover"
        Client().post("/sign-in/", {"username": spelled, "password": "guess"})
    assert Client().post("/sign-in/", {"username": "approver", "password": "guess"}).status_code == 429


@pytest.mark.django_db
def test_a_name_with_hostile_characters_is_refused_and_recorded() -> None:
    assert Client().post("/sign-in/", {"username": "a\0b", "password": "x"}).status_code == 200
    assert AuditRecord.objects.get(event="person.sign_in_failed").outcome == "denied"


@pytest.mark.django_db
def test_a_sign_in_never_leads_to_another_site(approver: User) -> None:
    approver.set_password("correct horse battery")
    approver.save()
    sent = {"username": "approver", "password": "correct horse battery", "next": "https://evil.example/"}
    assert Client().post("/sign-in/", sent).headers["Location"] == "/incidents/"


def test_a_password_link_for_somebody_else_is_on_record(administrator: User, approver: User) -> None:
    page = signed_in(administrator).post(f"/settings/people/{approver.pk}/", {"act": "link"})
    assert page.status_code == 200
    assert AuditRecord.objects.get(event="person.link_made").actor["name"] == "administrator"
