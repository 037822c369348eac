"""What a rule would have matched, and what an incident taught."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents import matching
from incidents.lesson import lesson
from incidents.matching import would_match
from incidents.models import AssetEdge, Comment, Diagnosis, Incident, Run
from integrations.models import Connection
from knowledge.rule import RuleError
from tests import factories


@pytest.fixture
def night(db: None) -> Incident:
    """Rates fail with 503 below raw.rates, once before and now; another incident is on the same connection."""
    raw, out = factories.asset("raw.rates"), factories.asset("stg_rates")
    board = factories.asset("exec_weekly", kind="dashboard")
    for above, below in ((raw, out), (out, board)):
        AssetEdge.objects.create(upstream=above, downstream=below)
    via = factories.connection("jobs", "scripts")
    job = factories.asset("load_rates", kind="job")
    run = Run.objects.create(connection=via, external_id="r1", job=job, status="failed", log="503 Service Unavailable")
    opened = timezone.now() - timedelta(hours=2)
    past = {"resolved_at": opened + timedelta(minutes=26), "resolution": "fixed", "opened_at": opened}
    factories.incident("Rates answer 503", "resolved", root_asset=out, run=run, connection=via, **past)
    factories.incident("Orders are late", root_asset=factories.asset("raw.orders"), connection=via)
    return factories.incident("Rates answer 503", root_asset=out, run=run, connection=via, failure_class="transient")


def counts(rule: str) -> tuple[int, int]:
    found = would_match(rule)
    return len(found.open), len(found.past)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("asset = stg_rates", (1, 1)),
        ("asset = STG_*", (1, 1)),
        ("asset = test://warehouse/stg_rates", (1, 1)),
        ("asset = load_rates", (1, 1)),
        ("asset = raw.rates", (0, 0)),
        ("asset in raw.rates", (1, 1)),
        ("asset in raw.*", (2, 1)),
        ('error ~ "50[23]"', (1, 1)),
        ('error ~ "404"', (0, 0)),
        ("class = transient", (1, 0)),
        ("class = trans* | data", (1, 0)),
        ("connector = scripts", (2, 1)),
        ("connection = jobs and asset in raw.rates", (1, 1)),
        ("connection = other", (0, 0)),
        ("dashboard = exec_*", (1, 1)),
        ("asset = stg_rates\nclass = data", (0, 0)),
        ("asset = stg%rates", (0, 0)),
        ("asset = stg.rates", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_a_rule_finds_the_incidents_that_it_would_have_matched(night: Incident, rule: str, expected: Any) -> None:
    assert counts(rule) == expected


def test_status_and_column_are_read_from_the_newest_diagnosis(night: Incident) -> None:
    for facts in ({"status": 500}, {"status": 429, "column": "amount"}):
        Diagnosis.objects.create(incident=night, root_cause="x", confidence="0.5", produced_by="rules", facts=facts)
    assert (counts("status = 429"), counts("status = 500"), counts("column = am*")) == ((1, 0), (0, 0), (1, 0))


def test_an_old_incident_is_found_among_many(night: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "TRIED", 3)
    other = factories.asset("raw.orders")
    for _ in range(6):
        factories.incident(root_asset=other, connection=Connection.objects.get(name="jobs"))
    assert counts("asset = stg_rates") == (1, 1)
    assert counts('error ~ "503"') == (0, 0)  # says nothing that the database could narrow: the newest three are tried


def test_the_past_says_how_it_ended(night: Incident) -> None:
    assert [(one.outcome, one.tone) for one in would_match("asset = stg_rates").past] == [("Resolved in 26m", "ok")]


def test_the_cost_does_not_grow_with_the_incidents(night: Incident) -> None:
    rule = 'asset in raw.rates\nerror ~ "503"\ndashboard = exec_*'

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            would_match(rule)
        return len(queries)

    before = cost()
    for _ in range(15):
        factories.incident("More", root_asset=night.root_asset, run=night.run, connection=night.connection)
    assert cost() == before <= 14
    assert counts(rule) == (16, 1)


def test_a_rule_that_cannot_be_read_says_where(night: Incident) -> None:
    with pytest.raises(RuleError, match="Line 2"):
        would_match("asset = x\nowner = me")


def test_a_lesson_tells_what_happened_and_what_people_said(night: Incident, operator: Any) -> None:
    Diagnosis.objects.create(incident=night, root_cause="The API was shut.", confidence="0.9", produced_by="rules")
    Comment.objects.create(incident=night, author=operator, text="It opens at 02:47.")
    told = lesson(night)
    assert (told.asset, told.cause, told.words) == ("stg_rates", "The API was shut.", ("It opens at 02:47.",))
    Incident.objects.filter(pk=night.pk).update(
        status="resolved", resolution="upstream_fixed", resolved_at=timezone.now(),
        resolution_comment="Its job runs again in production, by event 7.",
    )  # fmt: skip
    night.refresh_from_db()
    assert lesson(night).words == ("It opens at 02:47.",)  # what the machine said of itself is no lesson
    assert lesson(night).healed_by == "It was put right upstream."
