from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from incidents.cases import FOLDER, case_of
from incidents.classify import classify
from incidents.triage import triage

CASES = [case_of(json.loads(line)) for line in (FOLDER / "ran.jsonl").read_text(encoding="utf-8").splitlines()[::7]]
CARRIERS: dict[str, Callable[[str], str]] = {
    "airflow": lambda line: f"[2026-11-20, 03:00:11 UTC] {{subprocess.py:93}} INFO - {line}",
    "airflow pod": lambda line: f"[2026-11-20, 03:00:11 UTC] {{pod_manager.py:466}} INFO - [base] {line}",
    "airflow 3": lambda line: json.dumps({"timestamp": "2026-11-20T03:00:11Z", "level": "info", "event": line}),
    "container": lambda line: f"2026-11-20T03:00:11.123456789Z stdout F {line}",
    "compose": lambda line: f"worker-1  | {line}",
    "airbyte": lambda line: f"2026-11-20 03:00:11 source > {line}",
    "colour": lambda line: f"\x1b[0m\x1b[31m{line}\x1b[0m",
}


@pytest.mark.parametrize("carrier", CARRIERS)
def test_what_carried_a_log_changes_nothing_of_what_it_says(carrier: str) -> None:
    changed = []
    for case in CASES:
        plain = classify(case.log, tool=case.tool, context=case.context)
        log = "\n".join(CARRIERS[carrier](line) for line in case.log.split("\n"))
        found = classify(log, tool=case.tool, context=case.context)
        if found.failure_class != plain.failure_class or found.confidence < plain.confidence - 0.2:
            changed.append(case.id)
    assert len(CASES) > 25
    assert changed == []


def test_the_exception_of_an_envelope_is_read_with_its_name() -> None:
    line = json.dumps(
        {
            "level": "error",
            "event": "Task failed with exception",
            "error_detail": [{"exc_type": "ModuleNotFoundError", "exc_value": "No module named 'shop'", "frames": []}],
        }
    )
    found = classify(line, tool="airflow")
    assert found.subtype and found.subtype.name == "import"
    assert found.decisive[0].text == line  # as it stands in the log


def test_lines_in_envelopes_are_not_taken_for_one_another() -> None:
    lines = [*(f"step {name} failed" for name in "abcdefgh"), "OSError: [Errno 28] No space left on device"]
    known = [line.match for line in triage("\n".join(json.dumps({"msg": line}) for line in lines)).lines if line.match]
    assert [match.signature.subtype for match in known] == ["disk_full"]


@pytest.mark.parametrize(
    "piece", ['{"', '{"a":"', '\\"', "\x1b[", "12:00:00 ", "[x] ", "a | ", "source > ", '{"exc_type":"a","b":"']
)
def test_hostile_carriers_cost_little(piece: str) -> None:
    line = "{" + (piece * 8000)[:8000] + " error"
    started = time.thread_time()
    triage("\n".join(f"{line}{n}" for n in range(20)))
    assert time.thread_time() - started < 5
