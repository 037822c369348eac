from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from incidents.detect import detect
from incidents.look import loads
from incidents.models import Asset, AssetProfile, Event, Incident
from integrations.effects import QuarantineRows
from integrations.values import AssetRef, Predicate
from tests import factories
from tests.gateway_fixture import gateway
from tests.incidents.lake import DAYS, Lake

__all__ = ["gateway"]


@pytest.fixture
def lake(tmp_path: Path, gateway: None) -> Lake:
    return Lake(tmp_path)


def found() -> list[str]:
    return [event.payload["check"] for event in Event.objects.filter(kind="drift").order_by("pk")]


def test_healthy_loads_are_learned_and_open_nothing(lake: Lake) -> None:
    assert detect(lake.run()) == []
    lake.add()
    assert detect(lake.run()) == []
    assert AssetProfile.objects.count() == DAYS + 1
    assert found() == []


def test_a_new_value_is_reported_once_with_what_came_with_it(lake: Lake) -> None:
    detect(lake.run())
    lake.add(lake.batch(("cave", "hill", "moon")))
    run = lake.run()
    assert detect(run)[0] == "category:place"
    assert detect(run) == []
    event = Event.objects.get(kind="drift")
    finding = event.payload["detail"]["findings"][0]
    assert (finding["column"], finding["new"], finding["rows"]) == ("place", ["moon"], 800)
    assert AssetProfile.objects.get(is_known_bad=True).version == event.payload["detail"]["version"]


def test_the_first_look_judges_what_the_run_brought_and_not_the_past(lake: Lake) -> None:
    run = lake.run()
    lake.add(lake.batch(("moon",)))
    assert detect(run)[0] == "category:place"


def test_what_was_bad_does_not_become_usual(lake: Lake) -> None:
    detect(lake.run())
    for _ in range(2):
        lake.add(lake.batch(("cave", "hill", "moon")))
        assert detect(lake.run())[0] == "category:place"


def test_a_batch_that_is_loaded_twice_is_found_by_its_keys(lake: Lake) -> None:
    detect(lake.run())
    batch = lake.batch()
    lake.add(batch)
    assert detect(lake.run()) == []
    lake.add(batch)
    assert detect(lake.run())[0] == "keys:nugget_id"


def test_our_own_fix_and_an_overwrite_are_no_loads(lake: Lake) -> None:
    detect(lake.run())
    lake.add(lake.batch(("cave", "moon")))
    detect(lake.run())
    ref, moon = AssetRef("iceberg://hoard", "den.gold"), Predicate((("place", "=", "moon"),))
    branch = lake.connector.apply(lake.connector.fork("fix", [ref]), QuarantineRows(ref, moon, "quarantine.gold"))
    lake.connector.publish(branch, key="fix")
    table = lake.connector.catalog.load_table("den.gold")
    table.overwrite(table.scan().to_arrow())
    before = Event.objects.filter(kind="drift", payload__status="firing").count()
    assert detect(lake.run()) == []
    assert Event.objects.filter(kind="drift", payload__status="firing").count() == before == 1


def test_rows_that_somebody_took_out_let_the_finding_pass(lake: Lake) -> None:
    detect(lake.run())
    lake.add(lake.batch(("cave", "moon")))
    detect(lake.run())
    event = Event.objects.get(kind="drift")
    incident = factories.incident(root_asset=lake.asset, connection=lake.connection)
    incident.members.create(event=event, asset=lake.asset, role="root", why="It was seen first")
    detect(lake.run())
    assert not Event.objects.filter(payload__status="resolved").exists()
    lake.connector.catalog.load_table("den.gold").delete("place = 'moon'")
    detect(lake.run())
    assert Event.objects.get(payload__status="resolved").payload["fingerprint"] == event.payload["fingerprint"]


def test_a_staging_run_is_not_looked_at(lake: Lake) -> None:
    assert detect(lake.run(environment="staging")) == []
    assert not AssetProfile.objects.exists()


def test_an_asset_that_nothing_serves_is_passed_over(lake: Lake) -> None:
    other = factories.asset("main.mart", "duckdb://nowhere")
    run = lake.run()
    run.outputs = [other.pk]
    assert detect(run) == []
    assert Asset.objects.get(pk=other.pk) and not Incident.objects.exists()


def test_the_append_of_an_overwrite_is_told_from_a_load() -> None:
    at = datetime(2026, 11, 20, 6, 15, tzinfo=None)
    versions = [
        {"id": "3", "operation": "append", "at": (at + timedelta(seconds=1)).isoformat(), "summary": {}},
        {"id": "2", "operation": "delete", "at": at.isoformat(), "summary": {}},
        {"id": "1", "operation": "append", "at": (at - timedelta(days=1)).isoformat(), "summary": {}},
    ]
    assert [version["id"] for version in loads(versions)] == ["1"]
