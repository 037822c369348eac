from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from approvals.catalogue import CATALOGUE
from incidents.cases import FOLDER, answer, case_of
from incidents.classify import classify
from incidents.subtypes import SUBTYPES

JAVA = """\
26/11/20 02:47:11 ERROR Driver: job failed
org.apache.spark.SparkException: Job aborted due to stage failure
\tat org.apache.spark.scheduler.DAGScheduler.failJob(DAGScheduler.scala:2454)
Caused by: java.lang.RuntimeException: write failed
\tat com.shop.Writer.write(Writer.java:17)
Caused by: java.io.IOException: No space left on device
"""


def test_the_deepest_cause_decides() -> None:
    found = classify(JAVA, tool="spark")
    assert (found.failure_class, found.subtype and found.subtype.name) == ("infrastructure", "disk_full")
    assert found.decisive[0].number == 6


def test_what_was_retried_and_passed_does_not_outweigh_what_ended_it() -> None:
    log = (
        "02:00 WARN client: HTTP Error 503: Service Unavailable, retrying in 5 s (attempt 1 of 3)\n"
        "02:01 INFO client: read 5000 rows\n"
        "02:02 ERROR load: ModuleNotFoundError: No module named 'pandas'\n"
    )
    assert classify(log).failure_class == "code"


@pytest.mark.parametrize("log", ["", "02:00 INFO finished, 0 errors, 0 failed\n", "02:00 INFO job ended\n"])
def test_nothing_that_decides_is_inconclusive_and_goes_to_people(log: str) -> None:
    said = answer(classify(log))
    assert (said["failure_class"], said["action"], said["confidence"]) == ("inconclusive", "escalate", 0)


def test_context_counts_where_the_log_says_nothing() -> None:
    found = classify("job failed", context='The loader said: password authentication failed for user "etl"')
    assert found.failure_class == "infrastructure"
    assert found.confidence <= 0.6


def test_words_that_are_said_for_two_reasons_are_not_sure_and_name_the_other() -> None:
    log = "Name node is in safe mode: SafeModeException: Cannot create directory /lake/crm. Name node is in safe mode."
    found = classify(log)
    assert (found.failure_class, found.rivals[0].name) == ("transient", "engine_down")
    assert found.confidence < 0.8


def test_what_a_vendor_released_is_no_change_of_our_code() -> None:
    log = "KeyError: 'total_price'"
    assert classify(log, context="The vendor released version 3 of its feed.").failure_class == "data"
    assert classify(log, context="Version 3 of our loader was released.").failure_class == "code"


def test_what_an_error_says_outweighs_the_name_of_its_exception() -> None:
    log = "OperationalError: (adapter.Fault) NOT_SUPPORTED: Unsupported type: json\nOperationalError: query failed"
    found = classify(log)
    assert (found.failure_class, found.match and found.match.signature.tool) == ("code", "words")


def test_subtypes_heal_with_actions_of_the_catalogue() -> None:
    assert {action for subtype in SUBTYPES.values() for action in subtype.actions} <= set(CATALOGUE)
    assert all(len(subtype.actions) >= 2 for subtype in SUBTYPES.values())


def test_the_command_answers_each_line_and_says_which_it_could_not_read(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text('{"id": 7, "log": ["MemoryError"], "context": {"a": 1}}\n\n[1]\nnot json\n{"id": "x"}\n')
    out = io.StringIO()
    with pytest.raises(CommandError, match="3 lines were not read"):
        call_command("diagnose", str(file), stdout=out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (lines[0]["id"], lines[0]["failure_class"], lines[0]["decisive_lines"][0]["line"]) == (
        "7",
        "infrastructure",
        1,
    )
    assert [line["line"] for line in lines[1:]] == [3, 4, 5]
    with pytest.raises(CommandError, match="There is no file"):
        call_command("diagnose", "nowhere.jsonl")


def test_labelled_failures_are_many_and_well_formed() -> None:
    sets = {path.stem: path.read_text().splitlines() for path in FOLDER.glob("*.jsonl")}
    cases = [case_of(json.loads(line)) for lines in sets.values() for line in lines]
    assert len(sets["ran"]) >= 90
    assert len(cases) >= 150
    for case in cases:
        truth = case.truth or {}
        assert SUBTYPES[truth["subtype"]].failure_class == truth["failure_class"], case.id
        assert set(truth["actions"]) | set(truth["unsafe"]) <= set(CATALOGUE), case.id


def test_rules_alone_hold_their_bars_on_labelled_failures(tmp_path: Path) -> None:
    out, picture = io.StringIO(), tmp_path / "plot.svg"
    call_command("evaluate", json=True, plot=picture, stdout=out)
    scores = list(json.loads(out.getvalue()).values())[-1]
    assert scores["right"] >= 0.9
    assert scores["sure_right"] >= 0.97
    assert scores["action"] >= 0.8
    assert scores["unsafe"] == 0
    assert picture.read_text().startswith("<svg")
