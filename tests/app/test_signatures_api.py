from __future__ import annotations

from functools import partial

from django.test import override_settings

from app.core.models import AuditRecord, User
from incidents.models import CLASSES
from incidents.signatures import load
from incidents.subtypes import SUBTYPES
from tests.app.test_api import Api
from tests.incidents.own.writing import LINE, candidate, run

GIVEN = candidate().content


def test_the_subtypes_are_published(viewer: User) -> None:
    told = Api(viewer, "read").get("subtypes").json()
    assert [one["name"] for one in told] == list(SUBTYPES)
    assert {one["failure_class"] for one in told} == set(CLASSES)
    assert all(one["means"] and one["actions"] for one in told)


def test_signatures_of_the_files_are_listed(viewer: User) -> None:
    told = Api(viewer, "read").get("signatures?limit=3&failure_class=data").json()
    assert len(told["items"]) == 3 < told["count"] < len(load())
    assert {one["failure_class"] for one in told["items"]} == {"data"}


@override_settings(DECIDE_BY_TOKEN=True)
def test_one_is_tried_written_changed_archived_and_taken_back(approver: User) -> None:
    api = Api(approver, "read", "propose")
    run()
    tried = api.post("signatures/try", **GIVEN).json()
    assert (tried["runs_matched"], tried["hits"][0]["line"]) == (1, 2)
    assert tried["hits"][0]["text"].endswith(LINE)
    made = api.post("signatures", **GIVEN)
    assert made.status_code == 201 and made.json()["id"] == "own/partner-feed-busy@1"
    path = f"signatures/{made.json()['pk']}"
    change = partial(api.client.patch, f"/api/v1/{path}", content_type="application/json")
    assert change(GIVEN | {"means": "Wait.", "version": 1}).json()["version"] == 2
    assert change(GIVEN | {"means": "No.", "version": 1}).status_code == 409
    assert api.post(f"{path}/archive").json()["state"] == "archived"
    assert api.post(f"{path}/take-back").json()["state"] == "in use"
    listed = api.get("signatures?own=true&q=partner").json()
    assert [(one["name"], one["means"], one["literals"]) for one in listed["items"]] == [
        ("partner-feed-busy", "Wait.", ["partner feed "])
    ]
    events = AuditRecord.objects.filter(event__startswith="signature.").values_list("event", "source__door")
    assert list(events.order_by("pk")) == [
        (f"signature.{word}", "api") for word in ("written", "changed", "archived", "restored")
    ]


@override_settings(DECIDE_BY_TOKEN=True)
def test_what_is_refused_says_why(approver: User) -> None:
    api = Api(approver, "read", "propose")
    for fields, words in (
        ({"pattern": ".*"}, "says nothing"),
        ({"subtype": "x"}, "no subtype"),
        ({"name": "?"}, "name"),
    ):
        answer = api.post("signatures", **GIVEN | fields)
        assert answer.status_code == 422 and words in answer.json()["message"]


def test_where_signing_by_token_is_off_no_token_writes_one(approver: User) -> None:
    assert Api(approver, "read", "propose").post("signatures", **GIVEN).status_code == 403
