"""Failures as JSON: what `manage.py diagnose` reads and answers, and what `evaluate` scores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from incidents.classify import LogReading, action_of, alternatives
from integrations.values import Json

FOLDER = Path(__file__).parent / "labelled"  # failures with their truth: ran.jsonl, written.jsonl


@dataclass(frozen=True)
class Case:
    """`truth` {"failure_class", "subtype", "actions": the two best, "unsafe": what would make it worse} where known."""

    id: str
    log: str
    tool: str = ""
    context: str = ""
    asset: str = ""
    truth: Json | None = None


def case_of(data: Any) -> Case:
    """Raises ValueError with a sentence for what is not a case."""
    if not isinstance(data, Mapping):
        raise ValueError("A case is a JSON object.")
    log = data.get("log")
    if isinstance(log, list):
        log = "\n".join(str(line) for line in log)
    if not isinstance(log, str):
        raise ValueError("A case has its log as a text in `log`.")
    truth = data.get("truth")
    return Case(str(data.get("id", "")), log, _text(data.get("tool")), _text(data.get("context")),
                _text(data.get("asset")), dict(truth) if isinstance(truth, Mapping) else None)  # fmt: skip


def answer(reading: LogReading) -> Json:
    """Without the `id`."""
    return {
        "failure_class": reading.failure_class,
        "subtype": reading.subtype.name if reading.subtype else "",
        "action": action_of(reading),
        "alternatives": alternatives(reading),
        "confidence": reading.confidence,
        "decisive_lines": [{"line": line.number, "text": line.text.strip()} for line in reading.decisive],
        "root_cause": reading.root_cause,
    }


def _text(value: Any) -> str:
    """Plain text as it is, anything structured as JSON: it is read for words either way."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
