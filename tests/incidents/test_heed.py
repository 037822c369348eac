"""What a note says changes how it ends; without the note it ends differently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.core.audit import SYSTEM, Actor
from app.core.lifecycle import advance
from app.core.models import AuditRecord, User
from approvals.plan import Plan
from approvals.propose import propose
from incidents.diagnose import diagnose
from incidents.models import Event, Incident, IncidentEvent
from knowledge.archive import archive
from knowledge.hints import ExpectedChange, Hint, RetryWindow
from knowledge.models import Citation, Entry
from knowledge.write import Content, create
from tests import factories
from tests.gateway_fixture import gateway
from tests.incidents.diagnosing import World

__all__ = ["gateway"]  # a fixture that this module uses by name
BY_TEN = ExpectedChange("amount", "up", 8, 12)


def write(by: User, rule: str, *hints: Hint) -> Entry:
    content = Content("runbook", "Sales adds 10 % on purpose", rule, "It was agreed in May.", hints)
    return create(content, by=by, actor=Actor.of(by), source="web")


def jump(value: float, **more: Any) -> Incident:
    """An incident that our own detector opened: the sum of `amount` was 1000 and is now `value`."""
    root = factories.asset("raw.sales", "iceberg://lake")
    incident = factories.incident(root_asset=root)
    finding = {"check": "total:amount", "column": "amount", "what": "Sum of amount", "usual": "900 to 1,050",
               "now": f"{value}", "share": 1.0, "rows": 10, "value": value, "middle": 1000.0, **more}  # fmt: skip
    payload = {"asset": {"namespace": "iceberg://lake", "name": "raw.sales"}, "status": "firing",
               "title": "raw.sales: sum of amount", "detail": {"version": "7", "findings": [finding]}}  # fmt: skip
    event = Event.objects.create(connection=incident.connection, kind="drift", fingerprint=f"f{value}", payload=payload)
    IncidentEvent.objects.create(incident=incident, event=event, asset=root, role="root", why="")
    return incident


def ended(incident: Incident) -> tuple[str, str]:
    incident.refresh_from_db()
    return incident.status, incident.resolution


def test_a_change_within_the_bounds_of_a_note_closes_by_itself_and_cites_it(gateway: None, administrator: User) -> None:
    note = write(administrator, "asset = raw.sales", BY_TEN)
    incident = jump(1100)
    made = diagnose(incident)
    assert made is not None
    assert ended(incident) == ("resolved", "expected")
    says = "K1, “Sales adds 10 % on purpose” (version 1), expects `amount` to change by 8 to 12 % up"
    assert f"{says}; it changed by +10.0 %." in made.root_cause
    assert any(claim["cites"] == ["K1"] for claim in made.claims)
    assert incident.evidence.get(label="K1").body["why"] == "about raw.sales"
    assert AuditRecord.objects.get(event="incident.resolved").actor["type"] == "service"
    cited = Citation.objects.get(entry=note)
    assert (cited.diagnosis, cited.outcome) == (made.pk, "right")


def test_without_the_note_the_same_change_is_looked_into(gateway: None, administrator: User) -> None:
    note = write(administrator, "asset = raw.sales", BY_TEN)
    archive(note, by=administrator, actor=Actor.of(administrator), source="web")
    incident = jump(1100)
    diagnose(incident)
    assert ended(incident) == ("proposing", "")


@pytest.mark.parametrize("value", [1300, 1050, 900])
def test_outside_of_its_bounds_it_is_not_closed_and_the_diagnosis_says_so(
    gateway: None, administrator: User, value: float
) -> None:
    write(administrator, "asset = raw.sales", BY_TEN)
    incident = jump(value)
    made = diagnose(incident)
    assert made is not None
    assert ended(incident) == ("proposing", "")
    assert any("which is outside" in claim["text"] for claim in made.claims)
    assert propose(incident) is None  # nothing is closed by a click either


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        ("asset = raw.other", BY_TEN),
        ("asset = raw.sales", ExpectedChange("amount", "up", 8, 12, until="2020-01-01")),
        ("asset = raw.sales", ExpectedChange("rate", "up", 8, 12)),
        ("asset = raw.sales", ExpectedChange("", "up", 8, 12)),
        ("asset = raw.*", ExpectedChange("amount", "up", 8, 12, asset="raw.orders")),
    ],
)
def test_a_note_about_something_else_closes_nothing(gateway: None, administrator: User, rule: str, hint: Hint) -> None:
    write(administrator, rule, hint)
    incident = jump(1100)
    diagnose(incident)
    assert ended(incident)[0] == "proposing"


def test_what_cannot_be_measured_is_closed_by_one_click(gateway: None, administrator: User) -> None:
    write(administrator, "asset = raw.sales", BY_TEN)
    incident = jump(1100, middle=None)
    diagnose(incident)
    assert ended(incident)[0] == "proposing"
    proposal = propose(incident)
    assert proposal is not None
    (step,) = Plan.from_json(proposal.plan).steps
    assert (proposal.action, step.kind, step.params) == ("close_as_expected", "close", {"resolution": "expected"})


@pytest.mark.parametrize("noted", [True, False])
def test_a_retry_waits_for_the_window_that_a_note_knows(
    tmp_path: Path, gateway: None, operator: User, noted: bool
) -> None:
    world = World(tmp_path)
    job = world.asset("dbt", "load_rates", kind="job")
    if noted:
        hint = RetryWindow("inside", "02:47", "03:12", most_retries=1)
        write(operator, 'error ~ "503"\nasset = load_rates', hint)
    said = "requests.exceptions.HTTPError: 503 Server Error: Service Unavailable for url: http://rates/"
    incident = world.failure(job, said, job=job)
    diagnose(incident)
    incident.refresh_from_db()
    if incident.status != "proposing":
        advance(incident, "proposing", actor=SYSTEM, source="worker")
    proposal = propose(incident)
    assert proposal is not None
    plan = Plan.from_json(proposal.plan)
    assert plan.window is not None
    opens, closes = (text[11:16] for text in (plan.window.not_before, plan.window.not_after))
    assert proposal.action == "retry_later"
    assert (closes == "03:12") is noted
    assert (opens >= "02:47" and opens <= "03:12") or not noted
    assert ("K1 (version 1) says: Retry inside 02:47 to 03:12 UTC" in plan.why) is noted
    assert (plan.steps[0].params["attempts"] == 1) is noted
