from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client, override_settings

from app.accounts import tokens
from app.core.audit import Actor, Source
from app.core.models import ApiToken, AuditRecord, User
from incidents.models import Diagnosis, Evidence
from tests import factories
from tests.pages.seed_proposal import add_proposal


class Api:
    """A caller with a bearer token of `person`."""

    def __init__(self, person: User, *scopes: str) -> None:
        actor = Actor.of(person)
        _token, self.text = tokens.make(person, "test", scopes=scopes, days=1, actor=actor, source=Source("api"))
        self.client = Client(headers={"Authorization": f"Bearer {self.text}"})

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1/{path}")

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(f"/api/v1/{path}", body, content_type="application/json")


def test_incidents_are_listed_newest_first_with_a_count(viewer: User) -> None:
    first, second = factories.incident("one"), factories.incident("two", status="resolved")
    answer = Api(viewer, "read").get("incidents").json()
    assert answer["count"] == 2
    assert [item["number"] for item in answer["items"]] == [second.number, first.number]
    assert answer["items"][1]["root_asset"] == "raw.orders"
    assert Api(viewer, "read").get("incidents?status=open").json()["count"] == 1


def test_an_incident_has_its_diagnosis_evidence_and_proposals(viewer: User) -> None:
    incident = factories.incident()
    Evidence.objects.create(incident=incident, label="E1", kind="log", title="Log", source="run 1")
    Diagnosis.objects.create(
        incident=incident, failure_class="data", subtype="duplicate_rows", root_cause="twice", confidence="0.90"
    )
    answer = Api(viewer, "read").get(f"incidents/{incident.number}").json()
    assert answer["diagnosis"]["failure_class"] == "data"
    assert [one["label"] for one in answer["evidence"]] == ["E1"]
    assert answer["proposals"] == []


@pytest.mark.django_db
def test_without_a_token_nothing_is_said() -> None:
    assert Client().get("/api/v1/incidents").status_code == 401
    assert Client(headers={"Authorization": "Bearer guessed"}).get("/api/v1/incidents").status_code == 401


def test_a_token_without_the_scope_is_refused_and_the_refusal_is_recorded(operator: User) -> None:
    incident = factories.incident()
    assert Api(operator, "read").post(f"incidents/{incident.number}/comments", text="hi").status_code == 403
    assert AuditRecord.objects.get(event="access.denied").outcome == "denied"
    assert Api(operator, "propose").post(f"incidents/{incident.number}/comments", text="hi").status_code == 201


def test_a_role_is_asked_for_even_with_the_scope(viewer: User) -> None:
    incident = factories.incident()
    assert Api(viewer, "read", "propose").post(f"incidents/{incident.number}/comments", text="hi").status_code == 403


def test_a_token_makes_none_that_reaches_further(operator: User) -> None:
    made = Api(operator, "propose").post("tokens", name="child", scopes=["read", "propose"], days=1).json()
    assert made["scopes"] == ["propose"]


def test_a_token_makes_none_that_lives_longer(operator: User) -> None:
    Api(operator, "propose").post("tokens", name="child", scopes=["propose"], days=365)
    assert ApiToken.objects.get(name="child").expires_at <= ApiToken.objects.get(name="test").expires_at


def test_a_token_that_signs_is_worth_nothing_once_signing_by_token_is_off(approver: User) -> None:
    with override_settings(DECIDE_BY_TOKEN=True):
        api = Api(approver, "decide")
    answer = api.post("proposals/1/decisions", decision="approve", fingerprint="")
    assert answer.status_code == 403
    assert AuditRecord.objects.get(event="decision.denied").outcome == "denied"


def test_an_administrator_lifts_the_kill_switch_where_signing_by_token_is_off(
    administrator: User, operator: User
) -> None:
    switch = Api(operator, "propose").post("kill-switch", scope="all").json()["id"]
    assert Api(administrator, "decide").post(f"kill-switch/{switch}/lift").status_code == 204


@pytest.mark.parametrize("role", ["approver", "administrator"])
def test_who_pressed_the_kill_switch_does_not_lift_it_and_the_try_is_recorded(
    role: str, request: pytest.FixtureRequest
) -> None:
    with override_settings(DECIDE_BY_TOKEN=True):
        api = Api(request.getfixturevalue(role), "propose", "decide")
    switch = api.post("kill-switch", scope="all").json()["id"]
    assert api.post(f"kill-switch/{switch}/lift").status_code == 403
    assert AuditRecord.objects.get(event="access.denied").outcome == "denied"


def test_a_guessed_token_is_in_the_trail_once(client: Client, db: None) -> None:
    cache.clear()
    for _ in range(3):
        client.get("/api/v1/me", headers={"Authorization": "Bearer guessed"})
    assert AuditRecord.objects.filter(event="access.denied", error_code="401").count() == 1


def test_a_connection_whose_name_is_a_path_is_refused(administrator: User) -> None:
    answer = Api(administrator, "propose").post("connections", name="../../etc", kind="webhook")
    assert answer.status_code == 422
    assert Api(administrator, "propose").post("connections", name="x", kind="unheard-of").status_code == 422


def test_hostile_characters_in_a_refused_decision_are_recorded_and_not_a_failure(approver: User) -> None:
    with override_settings(DECIDE_BY_TOKEN=True):
        api = Api(approver, "decide")
        body = b'{"decision": "approve\\u0000", "fingerprint": "\\u0000\\ud800", "comment": "\\u0000"}'
        pk = add_proposal(factories.incident(status="awaiting_decision"), {}, signed_by=[]).pk
        answer = api.client.post(f"/api/v1/proposals/{pk}/decisions", body, content_type="application/json")
    assert answer.status_code in {409, 422}
    assert AuditRecord.objects.filter(event="decision.denied").count() == 1


def test_what_is_missing_is_said_in_one_sentence(operator: User) -> None:
    incident = factories.incident()
    answer = Api(operator, "propose").post(f"incidents/{incident.number}/resolve", resolution="because")
    assert answer.status_code == 422
    assert set(answer.json()) == {"error", "message"}


def test_an_ended_token_and_a_disabled_person_are_out(viewer: User) -> None:
    api = Api(viewer, "read")
    assert api.get("me").json()["username"] == "viewer"
    User.objects.filter(pk=viewer.pk).update(is_active=False)
    assert api.get("me").status_code == 401


def test_the_trail_is_for_auditors_and_gives_sentences(auditor: User, viewer: User) -> None:
    assert Api(viewer, "read").get("audit").status_code == 403
    items = Api(auditor, "read").get("audit?event=token.created").json()["items"]
    assert items[0]["sentence"].startswith("Token auditor")


def test_the_openapi_page_is_served_from_here(client: Client) -> None:
    assert client.get("/api/openapi.json").json()["info"]["title"] == "Countersign"
    assert b"cdn" not in client.get("/api/docs").content
