"""`manage.py evaluate`: score the diagnosis on labelled failures, as a table and a calibration plot."""

from __future__ import annotations

import json
import os
import time
from argparse import ArgumentParser
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from incidents.cases import FOLDER, Case, case_of
from incidents.classify import classify
from incidents.evaluate import Scored, Scores, plot, score

# Where a provider's key is looked for, and its address.
KEYS = {
    "openai": ("OPENAI_API_KEY", "https://api.openai.com/v1"),
    "anthropic": ("ANTHROPIC_API_KEY", "https://api.anthropic.com/v1"),
}


class Command(BaseCommand):
    requires_system_checks = ()  # nothing is served
    help = "Score classes, subtypes, actions, unsafe actions, calibration and time on labelled failures."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--cases", type=Path, default=FOLDER, help="a folder of JSON lines, or one file")
        parser.add_argument("--plot", type=Path, help="where to write the calibration plot (SVG)")
        parser.add_argument("--wrong", action="store_true", help="list what was not right")
        parser.add_argument("--model", help="provider:name, asked where the rules are not sure; key in the environment")
        parser.add_argument("--base-url", help="of an OpenAI-compatible server")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        files = sorted(options["cases"].glob("*.jsonl")) if options["cases"].is_dir() else [options["cases"]]
        opiner = _opiner(options["model"], options["base_url"]) if options["model"] else None
        sets = {path.stem: [_scored(case, opiner) for case in _read(path)] for path in files}
        if not any(sets.values()):
            raise CommandError(f"There are no labelled cases in {options['cases']}.")
        tables = {name: score(scored) for name, scored in sets.items() if scored}
        everything = [one for scored in sets.values() for one in scored]
        if len(tables) > 1:
            tables["all"] = score(everything)
        if options["json"]:
            self.stdout.write(json.dumps({name: asdict(one) for name, one in tables.items()}, indent=2))
        else:
            self.stdout.write("\n".join(_table(tables)))
        if opiner:
            failed, used = f"gave no answer that holds {opiner.failed} times", f"used {opiner.tokens} tokens"
            self.stderr.write(f"The model was asked {opiner.asked} times, {failed} and {used}.")
        if options["wrong"]:
            self.stdout.write("\n".join(_wrong(one) for one in everything if not one.is_right))
        if options["plot"]:
            options["plot"].write_text(plot(score(everything)))


def _read(path: Path) -> list[Case]:
    try:
        cases = [case_of(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
    return [case for case in cases if case.truth]


def _opiner(model: str, address: str | None) -> Any:
    """Raises CommandError without the packages of the extra `model`, or without a key."""
    provider, _, name = model.partition(":")
    if provider not in KEYS or not name:
        raise CommandError(f"--model is provider:name, and the provider one of {', '.join(KEYS)}.")
    variable, home = KEYS[provider]
    if not (key := os.environ.get(variable, "")):
        raise CommandError(f"{variable} is not set.")
    try:
        agent = import_module("incidents.agent.opine")  # LangChain is an extra, and slow to load
    except ImportError as error:
        raise CommandError(f"{error.name} is not installed: `uv sync --extra model`.") from error
    return agent.Opiner(provider, name, address or home, key)


def _scored(case: Case, opiner: Any) -> Scored:
    start = time.perf_counter()
    found = classify(case.log, tool=case.tool, context=case.context)
    if opiner:
        found = opiner(case, found)
    return Scored(case, found, time.perf_counter() - start)


def _table(tables: dict[str, Scores]) -> list[str]:
    head = f"{'cases':14}{'n':>5}{'class':>8}{'subtype':>9}{'action':>8}{'sure':>7}{'sure right':>12}{'none':>7}"
    rows = [f"{head}{'unsafe':>8}{'Brier':>7}{'seconds':>9}"]
    for name, one in tables.items():
        shares = f"{one.right:>8.1%}{one.subtype:>9.1%}{one.action:>8.1%}{one.sure:>7.0%}{one.sure_right:>12.1%}"
        rows.append(
            f"{name:14}{one.cases:>5}{shares}{one.inconclusive:>7.1%}{one.unsafe:>8}{one.brier:>7.3f}{one.seconds:>9.2f}"
        )
    return rows


def _wrong(one: Scored) -> str:
    truth, found = one.case.truth or {}, one.reading
    said = found.subtype.name if found.subtype else "nothing known"
    by = found.match.signature.id if found.match else "-"
    text = found.decisive[0].text.strip()[:160] if found.decisive else ""
    wanted = f"{truth.get('failure_class')}/{truth.get('subtype')}"
    return f"{one.case.id}: {wanted}, found {found.failure_class}/{said} ({by}, {found.confidence}): {text}"
