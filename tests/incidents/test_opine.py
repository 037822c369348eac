"""`evaluate --model`: what a model in its place may do to the score, and what its faults may not."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.model_server import calls, model_server

KNOWN = {"id": "a", "log": "MemoryError", "truth": {"failure_class": "infrastructure", "subtype": "out_of_memory"}}
UNKNOWN = {"id": "b", "log": "step 7 ended early", "truth": {"failure_class": "data", "subtype": "stale"}}
SAID = {
    "failure_class": "data",
    "subtype": "stale",
    "root_cause": "It came late.",
    "confidence": 0.9,
    "claims": [{"text": "It ended early.", "cites": ["E1"]}],
}


def evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: Any) -> tuple[dict[str, Any], str]:
    file, out, said = tmp_path / "cases.jsonl", io.StringIO(), io.StringIO()
    file.write_text("\n".join(json.dumps(case) for case in (KNOWN, UNKNOWN)))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with model_server(script) as server:
        call_command("evaluate", cases=file, model="openai:m", base_url=server.url, json=True, stdout=out, stderr=said)
    return json.loads(out.getvalue())["cases"], said.getvalue()


def test_a_model_decides_only_where_the_rules_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores, said = evaluated(tmp_path, monkeypatch, lambda *_: calls(("conclude", SAID)))
    assert (scores["right"], scores["sure_right"]) == (1.0, 1.0)
    assert "asked 2 times, gave no answer that holds 0 times" in said


@pytest.mark.parametrize(
    "answer",
    [{**SAID, "claims": [{"text": "so", "cites": ["E9"]}]}, {**SAID, "confidence": "very"}, {"failure_class": "magic"}],
)
def test_a_lie_or_another_shape_leaves_the_rules(
    answer: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores, said = evaluated(tmp_path, monkeypatch, lambda *_: calls(("conclude", answer)))
    assert scores["right"] == 0.5
    assert "no answer that holds 2 times" in said


def test_without_a_key_it_says_which_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(CommandError, match="OPENAI_API_KEY is not set"):
        call_command("evaluate", model="openai:m")
    with pytest.raises(CommandError, match="provider:name"):
        call_command("evaluate", model="m")
