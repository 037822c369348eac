"""By the clock: late loads are told once, for what is most upstream, and pass when a load lands."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from incidents import collect
from incidents.bands import Usual
from incidents.detectors.freshness import freshness
from incidents.models import Asset, AssetEdge, Event, Incident, Run
from incidents.watch import watch
from integrations.models import Connection
from tests import factories
from tests.gateway_fixture import gateway
from tests.incidents.lake import Lake

__all__ = ["gateway"]
FRIDAY = datetime(2026, 11, 20, 6, 17, tzinfo=timezone.get_default_timezone())


def daily(days: int = 20, *, last: datetime = FRIDAY, but: tuple[int, ...] = ()) -> list[datetime]:
    """Every day at 06:17 and some minutes, except on weekdays `but`."""
    made = [last - timedelta(days=n, minutes=-(n * 7) % 5) for n in range(days)]
    return [at for at in made if at.weekday() not in but]


@pytest.mark.parametrize(("hours", "is_late"), [(20, False), (24.5, False), (30, True), (60, True)])
def test_a_load_is_late_some_time_after_its_usual_hour(hours: float, is_late: bool) -> None:
    judged = freshness(daily(), FRIDAY + timedelta(hours=hours))
    assert judged is not None and bool(judged.finding) == is_late


def test_a_weekend_without_loads_is_no_delay() -> None:
    past = daily(60, but=(5, 6))
    for hours in (24, 48, 70):
        judged = freshness(past, FRIDAY + timedelta(hours=hours))
        assert judged and judged.finding is None, hours
    judged = freshness(past, FRIDAY + timedelta(hours=90))
    assert judged and judged.finding
    assert judged.finding.sentence.startswith("Hours since the last load: usually 7")
    assert "after a Friday" in judged.finding.sentence


def test_an_announced_load_and_what_a_person_called_usual_are_waited_for() -> None:
    late = FRIDAY + timedelta(hours=40)
    told = freshness(daily(), late, FRIDAY + timedelta(hours=44))
    assert told and told.finding is None
    taught = freshness(daily(), late, None, [Usual("freshness", None, 48.0)])
    assert taught and taught.finding is None
    assert freshness(daily(7), late) is None


@pytest.fixture
def scheduler(db: None) -> Connection:
    return factories.connection("scheduler")


def past(connection: Connection, name: str, *, last_h: float, is_live: bool = True, **fields: Any) -> Asset:
    """Twelve daily loads of a table, the last `last_h` hours ago."""
    job = factories.asset(f"load_{name}", "test://jobs", kind="job")
    table = factories.asset(f"raw.{name}", "test://lake")
    for n in range(12, -1, -1):
        at = timezone.now() - timedelta(hours=last_h + 24 * n)
        run = Run.objects.create(connection=connection, external_id=f"{name}-{n}", job=job, status="success",
                                 started_at=at, finished_at=at, outputs=[table.pk], **fields)  # fmt: skip
        Run.objects.filter(pk=run.pk).update(told_at=at if is_live else timezone.now())
    return table


def test_late_loads_of_one_scheduler_are_one_incident_which_ends_with_the_next_load(scheduler: Connection) -> None:
    tables = [past(scheduler, name, last_h=40) for name in ("orders", "refunds")]
    mart = past(scheduler, "mart", last_h=39)
    AssetEdge.objects.create(upstream=tables[0], downstream=mart)
    past(scheduler, "rates", last_h=3)
    assert watch() == ["freshness", "freshness"]
    collect.drain()
    assert watch() == []
    incident = Incident.objects.get()
    assert incident.title == "raw.orders is late: no load for 40.0 h"
    assert incident.members.count() == 2
    now = timezone.now()
    for table in tables:
        job = Run.objects.filter(outputs__contains=[table.pk]).latest("pk").job
        Run.objects.create(connection=scheduler, external_id=f"{job}-new", job=job, status="success", started_at=now,
                           finished_at=now, outputs=[table.pk])  # fmt: skip
    assert watch() == ["freshness"]  # the mart, which had stood behind the orders
    Event.objects.filter(payload__status="firing", payload__asset__name="raw.mart").delete()
    collect.drain()
    incident.refresh_from_db()
    assert incident.status == "resolved"


def test_a_past_that_was_told_all_at_once_is_not_called_late(scheduler: Connection) -> None:
    past(scheduler, "orders", last_h=40, is_live=False)
    assert watch() == []


def test_runs_of_staging_and_failed_ones_bring_nothing(scheduler: Connection) -> None:
    past(scheduler, "orders", last_h=40, environment="staging")
    assert watch() == []


def test_a_table_that_no_run_tells_of_is_looked_at_by_the_clock(tmp_path: Path, gateway: None) -> None:
    lake = Lake(tmp_path)
    assert watch() == []
    assert lake.asset.profiles.count() == 9
    lake.add(lake.batch(("cave", "moon")))
    assert watch() == []  # not yet again
    Asset.objects.update(looked_at=timezone.now() - timedelta(hours=7))
    assert watch()[0] == "category:place"


def test_columns_that_are_gone_are_told_by_the_clock_unless_a_run_broke_on_them(tmp_path: Path, gateway: None) -> None:
    lake = Lake(tmp_path)
    watch()
    table = lake.connector.catalog.load_table("den.gold")
    with table.update_schema(allow_incompatible_changes=True) as update:
        update.delete_column("place")
    lake.add(lake.batch().drop_columns(["place"]))
    Asset.objects.update(looked_at=timezone.now() - timedelta(hours=7))
    broken = factories.incident(root_asset=lake.asset, connection=lake.connection)
    assert watch() == []
    broken.delete()
    assert watch() == ["schema"]
    assert Event.objects.get(kind="drift").payload["title"] == "den.gold: column place gone"
    assert watch() == []
