from __future__ import annotations

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from app.core.models import User
from incidents.watched import Mute, Widening
from tests import factories
from tests.app.test_api import Api


def test_assets_are_listed_by_name_and_paged(viewer: User) -> None:
    for number in range(51):
        factories.asset(f"raw.table_{number:02}")
    api = Api(viewer, "read")
    first = api.get("assets").json()
    assert (len(first["items"]), first["items"][0]["state"]) == (50, "none")
    rest = api.get(f"assets?after={first['next']}").json()
    assert [item["name"] for item in rest["items"]] == ["raw.table_50"] and rest["next"] is None


def test_a_detector_is_muted_and_unmuted_and_what_was_called_usual_is_taken_back(operator: User) -> None:
    asset, api = factories.asset(), Api(operator, "read", "propose")
    until = (timezone.now() + timedelta(days=2)).isoformat()
    made = api.post(f"assets/{asset.pk}/mutes", check="rows", reason="Moving house.", until=until)
    assert made.status_code == 201 and made.json()["check"] == "rows"
    taught = Widening.objects.create(asset=asset, check_name="rows", high=9.0, incident_number=1, by_name="Ada")
    seen = api.get(f"assets/{asset.pk}").json()
    assert [mute["reason"] for mute in seen["mutes"]] == ["Moving house."]
    assert [usual["high"] for usual in seen["usual"]] == [9.0]
    assert api.client.delete(f"/api/v1/assets/mutes/{made.json()['id']}").status_code == 204
    assert api.client.delete(f"/api/v1/assets/usual/{taught.pk}").status_code == 204
    assert Mute.objects.get().lifted_at and Widening.objects.get().withdrawn_at


def test_a_mute_without_a_zone_or_an_end_is_refused(operator: User, viewer: User) -> None:
    asset = factories.asset()
    naive = (timezone.now() + timedelta(days=2)).replace(tzinfo=None).isoformat()
    for until in (naive, "2020-01-01T00:00:00Z", "tomorrow"):
        answer = Api(operator, "propose").post(f"assets/{asset.pk}/mutes", reason="x", until=until)
        assert answer.status_code == 422
    assert Api(viewer, "propose").post(f"assets/{asset.pk}/mutes", reason="x", until=naive).status_code == 403
    assert Client().get("/api/v1/assets").status_code == 401
