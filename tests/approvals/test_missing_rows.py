"""The overwritten sheet on a real table: a load that goes well and brings nothing is asked of whoever has the rows."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from django.test import Client
from django.utils import timezone

from app.core.audit import Actor
from approvals.asking.link import link
from approvals.asking.prove import prove
from approvals.execute import execute
from approvals.models import Proposal, Request
from approvals.propose import propose
from approvals.stage import stage
from approvals.verify import verify
from incidents.collect import drain
from incidents.detect import detect
from incidents.diagnose import diagnose
from incidents.models import AssetEdge, Incident, Run
from integrations.iceberg.connector import Connector
from integrations.models import Connection
from integrations.ports import Wiring
from knowledge.hints import Contact
from knowledge.write import Content, create
from tests import factories
from tests.approvals.light import approve
from tests.gateway_fixture import gateway

__all__ = ["gateway"]
DAYS, FIRST, LINES = 9, date(2026, 11, 2), 12
SCHEMA = pa.schema([("plan_date", pa.date32()), ("country", pa.string()), ("target", pa.int64())])
PLANNING = {"name": "Planning", "email": "planning@example.com"}
LOADERS = {"name": "Loaders", "email": "loaders@example.com"}


class Sheet:
    """The table that a planning sheet is loaded into, one append a day."""

    def __init__(self, folder: Path) -> None:
        catalog = {"type": "sql", "uri": f"sqlite:///{folder}/catalog.db", "warehouse": f"file://{folder}/lake"}
        config = {"namespace": "iceberg://lake", "catalog": catalog}
        self.connection = Connection.objects.create(name="lake", kind="iceberg", config=config)
        self.catalog = Connector(Wiring("lake", config, lambda name: "", lambda name: None, folder)).catalog
        self.catalog.create_namespace("raw")
        self.catalog.create_table("raw.sheet", schema=SCHEMA)
        self.asset = factories.asset("raw.sheet", "iceberg://lake", owner=PLANNING)
        self.job = factories.asset("load_sheet", "jobs://ingest", kind="job", owner=LOADERS)
        AssetEdge.objects.create(upstream=self.job, downstream=self.asset)
        for day in range(DAYS):
            self.load(day)

    def load(self, day: int, lines: int = LINES) -> None:
        columns = [[FIRST + timedelta(days=day)] * lines, [f"C{n}" for n in range(lines)], [100] * lines]
        rows = [pa.array(part, field.type) for part, field in zip(columns, SCHEMA, strict=True)]
        self.catalog.load_table("raw.sheet").append(pa.table(rows, schema=SCHEMA))

    def rows(self) -> int:
        return int(self.catalog.load_table("raw.sheet").scan().to_arrow().num_rows)

    def look(self) -> list[str]:
        now = timezone.now()
        run = Run.objects.create(
            connection=self.connection, external_id=f"run-{Run.objects.count()}", job=self.job, status="success",
            started_at=now, finished_at=now, outputs=[self.asset.pk],
        )  # fmt: skip
        found = detect(run)
        drain()
        return found


@pytest.fixture
def sheet(tmp_path: Path, transactional_db: None, gateway: None) -> Sheet:
    found = Sheet(tmp_path)
    assert found.look() == []
    return found


def overwritten(sheet: Sheet) -> Proposal:
    sheet.load(DAYS, 0)
    assert "rows" in sheet.look()
    diagnose(Incident.objects.get())
    made = propose(Incident.objects.get())
    assert made is not None, Incident.objects.values().get()
    stage(made)
    verify(Proposal.objects.get())
    return Proposal.objects.get()


def test_the_owner_is_asked_in_exact_words_and_only_the_rows_close_it(sheet: Sheet, approver: Any) -> None:
    made = overwritten(sheet)
    missing = (FIRST + timedelta(days=DAYS)).isoformat()
    assert (made.incident.failure_class, made.incident.subtype, made.action) == ("data", "empty_input", "ask_owner")
    step = made.plan["steps"][0]["params"]
    assert (step["to"], step["then"]) == (PLANNING, [LOADERS])
    assert f"raw.sheet has no rows of {missing}" in step["message"] and "Usually it brings 12" in step["message"]
    approve(made, approver)
    execute(Proposal.objects.get())
    asked = Request.objects.get()
    where = link(asked).partition("8000")[2]
    assert asked.proposal.incident.status == "waiting_on_person"
    before = sheet.rows()
    Client().post(where, {"kind": "done"})
    assert prove(Request.objects.get()) is False
    assert f"usually 12, now 0 on {missing}" in Client().get(where).content.decode()
    sheet.load(DAYS + 1)  # the next day's lines are not what is missing
    assert prove(Request.objects.get()) is False
    sheet.load(DAYS)
    assert prove(Request.objects.get()) is True
    assert (Incident.objects.get().status, Request.objects.get().outcome) == ("resolved", "proved")
    assert sheet.rows() == before + 2 * LINES  # what others loaded, and nothing of ours


def test_a_note_names_who_really_has_the_rows(sheet: Sheet, administrator: Any) -> None:
    content = Content(
        "annotation", "Who keeps it", "asset = raw.sheet", "Dana.", (Contact("Dana", "dana@example.com"),)
    )
    create(content, by=administrator, actor=Actor.of(administrator), source="web")
    plan = overwritten(sheet).plan
    assert "K1" in plan["why"]
    names = [plan["steps"][0]["params"]["to"]["name"], *(who["name"] for who in plan["steps"][0]["params"]["then"])]
    assert names == ["Dana", "Planning", "Loaders"]
