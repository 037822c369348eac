from __future__ import annotations

import pytest
from django.test import Client
from django.test.utils import override_settings

from app.core import audit
from app.core.models import ApiToken, AuditRecord, User
from integrations.models import Connection
from tests.factories import PASSWORD


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_a_person_signs_in_and_out_and_both_are_recorded(viewer: User) -> None:
    client = Client()
    assert client.post("/sign-in/", {"username": "viewer", "password": "wrong"}).status_code == 200
    assert client.post("/sign-in/", {"username": "viewer", "password": PASSWORD}).status_code == 302
    client.post("/sign-out/")
    events = list(AuditRecord.objects.order_by("id").values_list("event", flat=True))
    assert events == ["person.sign_in_failed", "person.signed_in", "person.signed_out"]


def test_the_eleventh_failed_sign_in_is_refused_even_with_the_right_password(viewer: User) -> None:
    client = Client()
    for _ in range(10):
        client.post("/sign-in/", {"username": "viewer", "password": "wrong"})
    assert client.post("/sign-in/", {"username": "viewer", "password": PASSWORD}).status_code == 429


@pytest.mark.django_db
@override_settings(SETUP_TOKEN="printed-by-up")
def test_the_first_administrator_needs_the_printed_token_and_there_is_only_one_first() -> None:
    client = Client()
    given = {"name": "Ada Stone", "username": "ada", "email": "ada@example.com", "password": PASSWORD}
    assert client.get("/sign-in/").headers["Location"] == "/setup/"
    assert client.post("/setup/", given | {"token": "guessed"}).status_code == 403
    assert client.post("/setup/", given | {"token": "printed-by-up"}).headers["Location"] == "/settings/"
    assert User.objects.get().roles == ["administrator", "operator"]
    assert client.get("/setup/?token=printed-by-up").headers["Location"] == "/sign-in/"


def test_an_invited_person_chooses_a_password_with_a_link_that_works_once(administrator: User) -> None:
    given = {"name": "Ben Osei", "username": "ben", "email": "ben@example.com", "roles": ["approver"]}
    page = signed_in(administrator).post("/settings/people/invite/", given).content.decode()
    link = page.split("<code>")[1].split("</code>")[0].replace("http://testserver", "")
    client = Client()
    form = client.get(link).headers["Location"]
    assert client.post(form, {"new_password1": PASSWORD, "new_password2": PASSWORD}).status_code == 302
    assert client.login(username="ben", password=PASSWORD)
    assert "used or has expired" in Client().get(link).content.decode()


def test_the_last_administrator_cannot_be_taken_away(administrator: User) -> None:
    client = signed_in(administrator)
    for act in ({"act": "disable"}, {"act": "change", "roles": ["viewer"]}):
        assert client.post(f"/settings/people/{administrator.pk}/", act).status_code == 422
    administrator.refresh_from_db()
    assert administrator.is_active
    assert "administrator" in administrator.roles


def test_a_disabled_person_loses_the_session_at_once(administrator: User, viewer: User) -> None:
    theirs = signed_in(viewer)
    assert theirs.get("/settings/tokens/").status_code == 200
    signed_in(administrator).post(f"/settings/people/{viewer.pk}/", {"act": "disable"})
    assert theirs.get("/settings/tokens/").status_code == 302


def test_a_connection_is_added_with_a_key_that_is_shown_once(administrator: User) -> None:
    client = signed_in(administrator)
    page = client.post("/settings/connections/add/openlineage/", {"name": "airflow", "namespace": "jobs://a"})
    connection = Connection.objects.get()
    assert connection.key_prefix in page.content.decode()
    assert "cs_" not in client.get("/settings/").content.decode().replace(connection.key_prefix, "")
    assert AuditRecord.objects.get().event == "connection.created"


def test_a_secret_is_sealed_and_stands_nowhere_in_a_page(administrator: User) -> None:
    client = signed_in(administrator)
    given = {"name": "crm", "namespace": "postgres://crm", "dsn": "postgresql://u:hunter2@127.0.0.1/crm"}
    client.post("/settings/connections/add/postgres/", given)
    assert b"hunter2" not in bytes(Connection.objects.get().credentials.get().sealed)
    assert "hunter2" not in client.get("/settings/").content.decode()


def test_a_token_is_shown_once_and_limited_to_what_its_owner_may(viewer: User, approver: User) -> None:
    page = signed_in(viewer).post("/settings/tokens/make/", {"name": "ci", "scopes": ["read"], "days": 30})
    assert ApiToken.objects.get().prefix in page.content.decode()
    wish = {"name": "sign", "scopes": ["decide"], "days": 30}
    with override_settings(DECIDE_BY_TOKEN=True):
        assert signed_in(viewer).post("/settings/tokens/make/", wish).status_code == 403
        assert signed_in(approver).post("/settings/tokens/make/", wish).status_code == 200
    assert signed_in(approver).post("/settings/tokens/make/", wish).status_code == 403


def test_the_audit_page_pages_and_its_drawer_recomputes_the_hash(auditor: User) -> None:
    client = signed_in(auditor)
    for n in range(60):
        audit.record("person.created", f"person {n}", actor=audit.SYSTEM, source="command")
    page = client.get("/audit/").content.decode()
    assert "Older" in page
    first = AuditRecord.objects.order_by("id").first()
    assert first is not None
    assert client.get(f"/audit/{first.pk}/").status_code == 200
