"""What a signature would have matched in the logs that are kept, and what was diagnosed then."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from app.core.errors import Invalid
from app.core.redact import MASK
from incidents.models import Diagnosis, Incident, Run, RunResult
from incidents.own import try_out as trying
from incidents.own import write
from incidents.own.models import OwnSignature
from incidents.own.try_out import A_RUN, try_out
from tests import factories
from tests.incidents.own.writing import LINE, LOG, candidate, run, who

pytestmark = pytest.mark.django_db


def opened(by: Run, **said: Any) -> Incident:
    incident = factories.incident(run=by)
    if said:
        Diagnosis.objects.create(incident=incident, root_cause="So.", confidence=Decimal("0.9"), **said)
    return incident


def test_it_tells_run_line_text_and_what_was_diagnosed_then_the_newest_first() -> None:
    older, newer = run(), run(f"one more\n{LOG}")
    opened(older, failure_class="infrastructure", subtype="disk_full")
    seen = opened(newer, failure_class="code", subtype="logic")
    Diagnosis.objects.create(incident=seen, root_cause="Later.", confidence=Decimal(0), inconclusive=True)
    found = try_out(candidate())
    assert (found.runs, found.runs_matched, found.healthy_lines) == (2, 2, 0)
    first, second = found.hits
    assert (first.run, first.line, first.groups) == (newer, 3, {"feed": "12"})
    assert first.text.endswith(LINE)
    assert first.said is not None and first.said.inconclusive
    assert second.said is not None and (second.run, second.said.subtype) == (older, "disk_full")
    assert first.incident == seen


def test_a_message_that_is_not_in_the_log_is_looked_at_too() -> None:
    broken = run("02:47 nothing here", error="the load failed")
    RunResult.objects.create(run=broken, asset=factories.asset(), status="failed", message=LINE)
    hit = try_out(candidate()).hits[0]
    assert (hit.line, hit.said, hit.incident) == (3, None, None)


def test_near_misses_are_lines_that_hold_the_text_one_of_each_kind() -> None:
    run("\n".join([*(f"partner feed {n} is closed" for n in range(9)), "partner feed is busy", "all well"]))
    found = try_out(candidate())
    assert [one.text for one in found.near] == ["partner feed 0 is closed", "partner feed is busy"]
    assert found.hits == []


def test_old_logs_and_rehearsals_are_left_out() -> None:
    Run.objects.filter(pk=run().pk).update(told_at=timezone.now() - timedelta(days=91))
    run(environment="staging")
    run(status="running")
    assert try_out(candidate()).runs == 0


def test_it_is_bounded_in_lines_in_runs_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    run(LOG * 50)
    assert len(try_out(candidate()).hits) == A_RUN
    for _ in range(4):
        run()
    monkeypatch.setattr(trying, "FAILED", 3)
    assert try_out(candidate()).runs == 3
    monkeypatch.setattr(trying, "SECONDS", 0.0)
    found = try_out(candidate())
    assert (found.runs, found.runs_matched, found.is_cut_short) == (1, 0, True)


def test_a_hostile_pattern_on_hostile_logs_ends_in_time() -> None:
    line = ("feed " + "a " * 1000)[:1990]
    for _ in range(3):
        run("\n".join([line] * 190))
    started = time.monotonic()
    try_out(candidate(pattern=r"feed [\w ]{0,150}(?:a ?){0,120}!", literals=("feed",)))
    assert time.monotonic() - started < 2 * trying.SECONDS + 2


def test_it_takes_the_same_queries_however_many_runs_matched() -> None:
    asked = []
    for _ in range(2):
        opened(run(), failure_class="code", subtype="logic")
        with CaptureQueriesContext(connection) as queries:
            try_out(candidate())
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 6


def test_secrets_are_covered_before_a_pattern_sees_them() -> None:
    run("partner feed 7 is busy password=hunter22hunter22\n")
    found = try_out(candidate(pattern=r"partner feed (?P<feed>\d+) is busy.*(?P<taken>hunter.*|" + MASK + ")"))
    assert found.hits[0].groups["taken"] == MASK
    assert "hunter22" not in found.hits[0].text
    near = try_out(candidate(pattern=r"partner feed (?P<feed>\d+) is busy hunter22"))
    assert [one.text for one in near.near if "hunter22" in one.text] == []


def test_what_good_runs_say_too_is_not_kept(approver: Any) -> None:
    run(LOG)
    run("\n".join(["loaded", LINE] * 10), status="success")
    found = try_out(candidate())
    assert (found.healthy_lines, found.healthy_matched, found.runs_matched) == (20, 10, 2)
    with pytest.raises(Invalid, match="10 of 20 lines of good runs"):
        write.create(candidate(), **who(approver))
    assert not OwnSignature.objects.exists()


def test_a_line_of_a_good_run_now_and_then_is_told_and_does_not_hinder(approver: Any) -> None:
    run("\n".join([LINE, *["loaded"] * 999]), status="success")
    assert try_out(candidate()).hits[0].run.status == "success"
    assert write.create(candidate(), **who(approver)).state == "in use"


def test_what_stands_in_the_next_lines_is_read_out() -> None:
    run(f"{LINE}\n  window: 03:00 to 04:00\n")
    found = try_out(candidate(follow=r"window: (?P<window>[\d:]+ to [\d:]+)"))
    assert found.hits[0].groups == {"feed": "12", "window": "03:00 to 04:00"}
