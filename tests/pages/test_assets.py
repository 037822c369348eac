"""The list of assets and the page of one: what the detectors see, what they were told, at a constant cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.bands import LEAST, Past
from incidents.detectors import judge
from incidents.models import Asset, AssetEdge, AssetProfile, Run
from incidents.watched import Mute, Widening
from integrations.models import Connection
from tests import factories

HX = {"HX-Request": "true"}


def looked_at(asset: Asset, days: int = 30, last: int = 2500) -> Asset:
    """Daily looks as `look` keeps them; the newest load has `last` rows."""
    past: list[Past] = []
    for day in range(days, -1, -1):
        rows = 2400 + day % 90 if day else last
        profile = {"rows": rows, "columns": {"place": {"nulls": 0.0, "distinct": 0.001, "categories": {"hill": 1.0}}}}
        now = Past(timezone.now() - timedelta(days=day), profile)
        judged = [each.as_json() for each in judge(now, past)]
        AssetProfile.objects.create(asset=asset, version=str(day), at=now.at, profile=profile, judged=judged)
        past.append(now)
    return asset


@pytest.fixture
def orders(db: None) -> Asset:
    return looked_at(factories.asset("raw.orders", owner={"name": "Orders team"}), last=300)


def cost(client: Any, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_the_list_shows_state_and_is_searched_and_paged(console: Any, orders: Asset) -> None:
    for number in range(60):
        factories.asset(f"zoo.table_{number:02}")
    page = console.get("/assets/").content.decode()
    assert "raw.orders" in page and "Unusual" in page and "Orders team" in page
    assert "zoo.table_48" in page and "zoo.table_59" not in page
    assert "zoo.table_59" in console.get("/assets/?after=zoo.table_48&at=1").content.decode()
    found = console.get("/assets/?q=TABLE_07", headers=HX).content.decode()
    assert "zoo.table_07" in found and "raw.orders" not in found and "<nav" not in found
    assert "No asset matches" in console.get("/assets/?q=nothing").content.decode()
    assert console.get("/assets/?after=x&at=tree&kind=<b>").status_code == 200


def test_the_page_of_one_explains_what_is_unusual_and_draws_it(console: Any, orders: Asset) -> None:
    mart = factories.asset("mart.revenue")
    AssetEdge.objects.create(upstream=orders, downstream=mart)
    factories.incident("raw.orders: 300 rows came", root_asset=orders)
    page = console.get(f"/assets/{orders.pk}/").content.decode()
    assert "Rows that came: usually 2,4" in page and "now 300." in page
    assert page.count('<path class="area"') >= 2 and 'role="img" aria-label="Rows that came: 300 at last' in page
    assert "mart.revenue" in page and "raw.orders: 300 rows came" in page
    assert " style=" not in page
    assert console.get("/assets/999999/").status_code == 404


def test_a_person_mutes_and_unmutes_and_takes_back_what_was_called_usual(console: Any, orders: Asset) -> None:
    sent = {"check": "rows", "days": "7", "reason": "We stop the old shop."}
    answer = console.post(f"/assets/{orders.pk}/mute/", sent, headers=HX).content.decode()
    assert "We stop the old shop." in answer and "Unmute" in answer and answer.startswith('<section class="card w12"')
    muted = Mute.objects.get()
    assert console.post(f"/assets/mutes/{muted.pk}/lift/").status_code == 302
    assert console.post(f"/assets/mutes/{muted.pk}/lift/").status_code == 422
    assert console.post(f"/assets/{orders.pk}/mute/", {**sent, "reason": ""}).status_code == 422
    assert console.post(f"/assets/{orders.pk}/mute/", {**sent, "days": "9999"}).status_code == 422
    taught = Widening.objects.create(asset=orders, check_name="rows", low=270.0, incident_number=1, by_name="On-call")
    assert "down to 270" in console.get(f"/assets/{orders.pk}/").content.decode()
    assert console.post(f"/assets/usual/{taught.pk}/take-back/", headers=HX).status_code == 200
    taught.refresh_from_db()
    assert taught.withdrawn_at


def test_an_incident_that_a_detector_opened_can_mute_it(console: Any, orders: Asset) -> None:
    opened = {"kind": "check", "of": "alert", "check": "rows", "key": "check:1:x"}
    incident = factories.incident(root_asset=orders, opened_by=opened)
    assert f"/incidents/{incident.number}/mute/" in console.get(f"/incidents/{incident.number}/").content.decode()
    console.post(f"/incidents/{incident.number}/mute/", {"check": "rows", "days": "1", "reason": "Known."})
    assert (Mute.objects.get().incident_number, Mute.objects.get().check_name) == (incident.number, "rows")


def test_who_may_only_look_finds_no_form(client: Any, orders: Asset, cast: dict[str, Any]) -> None:
    client.force_login(cast["analyst"])
    assert "/mute/" not in client.get(f"/assets/{orders.pk}/").content.decode()


def test_pages_cost_the_same_however_much_there_is(console: Any, orders: Asset) -> None:
    few, one = cost(console, "/assets/"), cost(console, f"/assets/{orders.pk}/")
    job = factories.asset("load", kind="job")
    for number in range(20):
        other = looked_at(factories.asset(f"aa.table_{number:02}"), LEAST + 1)
        AssetEdge.objects.create(upstream=other, downstream=orders)
        factories.incident(root_asset=orders)
        at = timezone.now() - timedelta(days=number)
        Run.objects.create(connection=Connection.objects.all()[0], external_id=str(number), job=job,
                           status="success", started_at=at, finished_at=at, outputs=[orders.pk])  # fmt: skip
    assert cost(console, "/assets/") == few <= 12
    assert cost(console, f"/assets/{orders.pk}/") <= one + 6 <= 24  # lineage and loads are there now
