"""The 10 % on purpose: a real load of rates that jumps, and a note that makes the jump expected or does not."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from django.utils import timezone

from app.core.audit import Actor
from app.core.models import AuditRecord, User
from approvals.propose import propose
from incidents.collect import drain, receive
from incidents.detect import detect
from incidents.diagnose import diagnose
from incidents.models import AssetEdge, Event, Incident, Run
from integrations.demo import generate
from integrations.iceberg.connector import Connector
from integrations.models import Connection
from integrations.ports import Wiring
from knowledge.archive import archive
from knowledge.hints import ExpectedChange
from knowledge.models import Citation, Entry
from knowledge.write import Content, create
from tests import factories
from tests.gateway_fixture import gateway

__all__ = ["gateway"]
DAYS, FIRST = 9, date(2026, 11, 2)
SCHEMA = pa.schema([("rate_date", pa.date32()), ("currency", pa.string()), ("usd_rate", pa.decimal128(12, 6))])


class Rates:
    """The table of rates as the demo's job loads it, one append a day."""

    def __init__(self, folder: Path) -> None:
        catalog = {"type": "sql", "uri": f"sqlite:///{folder}/catalog.db", "warehouse": f"file://{folder}/lake"}
        config = {"namespace": "iceberg://lake", "catalog": catalog}
        self.connection = Connection.objects.create(name="lake", kind="iceberg", config=config)
        self.catalog = Connector(Wiring("lake", config, lambda name: "", lambda name: None, folder)).catalog
        self.catalog.create_namespace("raw")
        self.catalog.create_table("raw.rates", schema=SCHEMA)
        self.asset = factories.asset("raw.rates", "iceberg://lake")
        self.job, self.day = factories.asset("ingest_rates", "jobs://ingest", kind="job"), 0
        for _ in range(DAYS):
            self.add()

    def add(self, uplift: str = "1") -> None:
        when = FIRST + timedelta(days=self.day)
        rows = [(when, code, quote) for code, quote in generate.quotes(1, when, Decimal(uplift)).items()]
        columns = [pa.array(part, field.type) for part, field in zip(zip(*rows, strict=True), SCHEMA, strict=True)]
        self.catalog.load_table("raw.rates").append(pa.table(columns, schema=SCHEMA))
        self.day += 1

    def look(self) -> list[str]:
        now = timezone.now()
        run = Run.objects.create(
            connection=self.connection, external_id=f"run-{self.day}", job=self.job, status="success", started_at=now,
            finished_at=now, outputs=[self.asset.pk],
        )  # fmt: skip
        found = detect(run)
        drain()
        return found


@pytest.fixture
def rates(tmp_path: Path, gateway: None) -> Rates:
    found = Rates(tmp_path)
    assert found.look() == []
    return found


def note(by: User, **bounds: Any) -> Entry:
    given = {"low": 8, "high": 12, "until": (timezone.now() + timedelta(days=90)).date().isoformat(), **bounds}
    hint = ExpectedChange("usd_rate", "up", **given)
    content = Content("annotation", "Rates are raised by 10 % on purpose", "asset in raw.rates", "Agreed.", (hint,))
    return create(content, by=by, actor=Actor.of(by), source="web")


def jumped(rates: Rates, uplift: str = "1.1") -> Incident:
    rates.add(uplift)
    assert rates.look() == ["total:usd_rate"]
    diagnose(Incident.objects.get())
    return Incident.objects.get()


def test_the_jump_that_a_note_expects_is_closed_with_the_note_cited(rates: Rates, administrator: User) -> None:
    written = note(administrator)
    incident = jumped(rates)
    assert (incident.status, incident.resolution) == ("resolved", "expected")
    assert "K1, “Rates are raised by 10 % on purpose” (version 1), expects `usd_rate`" in incident.resolution_comment
    assert [(cited.incident_number, cited.outcome) for cited in Citation.objects.filter(entry=written)] == [
        (incident.number, "right")
    ]
    record = AuditRecord.objects.get(event="incident.resolved")
    assert record.actor["type"] == "service"
    assert not rates.asset.widenings.exists()  # what a note expects ends with the note


def test_the_echo_of_the_jump_downstream_is_expected_too(rates: Rates, administrator: User) -> None:
    note(administrator)
    jumped(rates)
    view = factories.asset("main.stg_rates", "duckdb://warehouse")
    AssetEdge.objects.create(upstream=rates.asset, downstream=view)
    payload = Event.objects.get(kind="drift", payload__status="firing").payload
    echo = {**payload, "asset": {"namespace": view.namespace, "name": view.name}, "fingerprint": "echo"}
    receive(rates.connection, "drift", echo)
    drain()
    later = Incident.objects.get(root_asset=view)
    diagnose(later)
    later.refresh_from_db()
    assert (later.status, later.resolution) == ("resolved", "expected")


def test_a_healthy_day_after_it_is_quiet_and_the_same_jump_without_the_note_is_not(
    rates: Rates, administrator: User
) -> None:
    written = note(administrator)
    jumped(rates)
    rates.add()
    assert rates.look() == []
    archive(written, by=administrator, actor=Actor.of(administrator), source="web")
    rates.add("1.1")
    assert rates.look() == ["total:usd_rate"]
    last = Incident.objects.order_by("-number").first()
    assert last is not None
    goes_to_people(last)


def test_without_the_note_a_person_has_to_look(rates: Rates) -> None:
    goes_to_people(jumped(rates))


@pytest.mark.parametrize("bounds", [{"low": 1, "high": 5}, {"until": "2026-01-31"}, {"high": 9.0}])
def test_outside_of_its_bounds_or_after_its_end_a_person_has_to_look(
    rates: Rates, administrator: User, bounds: dict[str, Any]
) -> None:
    note(administrator, **bounds)
    goes_to_people(jumped(rates))


def test_a_larger_jump_is_not_what_the_note_expects(rates: Rates, administrator: User) -> None:
    note(administrator)
    goes_to_people(jumped(rates, "1.3"))


def goes_to_people(incident: Incident) -> None:
    if incident.status == "open":
        diagnose(incident)
        incident.refresh_from_db()
    assert (incident.failure_class, incident.subtype, incident.status) == ("data", "unusual_total", "proposing")
    assert propose(incident) is None
    incident.refresh_from_db()
    assert (incident.status, incident.resolution) == ("escalated", "")
