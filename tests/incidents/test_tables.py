"""Tables without versions, on real engines: a healthy past is quiet, and each fault is found by its detector."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import psycopg
import pytest

from incidents import collect
from incidents.look import look_at_tables
from incidents.models import Asset, AssetProfile, Event, Incident
from incidents.recheck import clear
from integrations import connections
from integrations.models import Connection
from tests import factories
from tests.gateway_fixture import gateway

__all__ = ["gateway"]
DAYS = 9
START = datetime(2026, 10, 1, 7, tzinfo=UTC)
NAME = itertools.count()
# A day's rows: n is the number of the day.
DAY = """INSERT INTO sold SELECT {n} * 1000 + i, date '2026-10-01' + {n}, 10 + i % 7, {place}, {note}
         FROM generate_series(0, {rows} - 1) AS s(i)"""
PLACE, NOTE = "CASE i % 3 WHEN 0 THEN 'hill' ELSE 'cave' END", "'n' || ({n} * 1000 + i)"


@dataclass
class Table:
    run: Callable[[str], Any]
    connection: Connection
    asset: Asset
    day: int = 0
    looks: int = 0

    def add(self, rows: int = 300, place: str = PLACE, note: str = NOTE) -> None:
        self.run(DAY.format(n=self.day, rows=rows + self.day % 3, place=place, note=note.format(n=self.day)))
        self.day += 1

    def look(self) -> list[str]:
        self.looks += 1
        at = START + timedelta(days=self.day, minutes=self.looks)
        return look_at_tables([self.asset], self.connection, at=at)

    def live(self, days: int = DAYS) -> None:
        for _ in range(days):
            self.add()
            assert self.look() == []


COLUMNS = "(sale_id bigint, sold_on date, worth double precision, place text, note text)"


@pytest.fixture(params=["duckdb", "postgres"])
def table(request: pytest.FixtureRequest, tmp_path: Path, gateway: None, postgres_dsn: str) -> Table:
    if request.param == "duckdb":
        path = tmp_path / "house.duckdb"

        def run(sql: str) -> None:
            with duckdb.connect(str(path)) as open_file:
                open_file.execute(sql)

        config = {"namespace": "duckdb://house", "path": str(path)}
        connection, _ = connections.create("house", "duckdb", config, {})
        asset = factories.asset("main.sold", "duckdb://house")
    else:
        base = f"tables_{next(NAME)}"
        with psycopg.connect(postgres_dsn, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {base}")
            admin.execute(f"CREATE DATABASE {base}")
        dsn = urlsplit(postgres_dsn)._replace(path=f"/{base}").geturl()

        def run(sql: str) -> None:
            with psycopg.connect(dsn, autocommit=True) as open_base:
                open_base.execute(sql)

        connection, _ = connections.create("crm", "postgres", {"namespace": "postgres://crm"}, {"dsn": dsn})
        asset = factories.asset("public.sold", "postgres://crm")
    run(f"CREATE TABLE sold {COLUMNS}")
    return Table(run, connection, asset)


CENTS = "UPDATE sold SET worth = worth * 100"
FAULTS: dict[str, tuple[Callable[[Table], Any], str]] = {
    "a day with a tenth of the rows": (lambda t: t.add(30), "rows"),
    "a day with nine times the rows": (lambda t: t.add(2_700), "rows"),
    "a table that was emptied": (lambda t: t.run("DELETE FROM sold"), "table_rows"),
    "a table that lost most of its rows": (lambda t: t.run("DELETE FROM sold WHERE sale_id % 10 > 0"), "table_rows"),
    "a place that nobody knows": (lambda t: t.add(place="CASE i % 3 WHEN 0 THEN 'moon' ELSE 'cave' END"),
                                  "category:place"),
    "places that went missing": (lambda t: t.run("UPDATE sold SET place = NULL WHERE sale_id % 4 > 0"), "nulls:place"),
    "rows that are there twice": (lambda t: t.run("INSERT INTO sold SELECT * FROM sold WHERE sold_on = '2026-10-05'"),
                                  "keys:sale_id"),
    "one day in cents": (lambda t: t.run(f"{CENTS} WHERE sold_on = '2026-10-09'"), "total:worth"),
    "all in cents": (lambda t: t.run(CENTS), "p50:worth"),
    "one note for all": (lambda t: t.run("UPDATE sold SET note = 'n' || sale_id % 200"), "distinct:note"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_by_its_detector_after_a_quiet_past(table: Table, fault: str) -> None:
    table.live()
    assert not Event.objects.exists()
    cause, check = FAULTS[fault]
    cause(table)
    assert check in table.look()
    event = Event.objects.get()
    assert check in [finding["check"] for finding in event.payload["detail"]["findings"]]
    assert AssetProfile.objects.latest("at").is_known_bad


def test_forty_healthy_days_open_nothing(table: Table) -> None:
    table.live(40)
    assert not Event.objects.exists()


def test_the_same_fault_is_told_once_for_a_table_and_passes_when_it_is_over(table: Table) -> None:
    table.live()
    table.run("CREATE TABLE kept AS SELECT * FROM sold")
    table.run("DELETE FROM sold")
    assert table.look() == ["table_rows"]
    collect.drain()
    incident = Incident.objects.get()
    assert incident.title == f"{table.asset} is empty"
    assert table.look() == []
    clear(table.asset)
    collect.drain()
    incident.refresh_from_db()
    assert incident.status == "open"
    table.run("INSERT INTO sold SELECT * FROM kept")
    clear(table.asset)
    collect.drain()
    incident.refresh_from_db()
    assert (incident.status, incident.resolution) == ("resolved", "upstream_fixed")
