"""`manage.py diagnose FILE.jsonl`: what rules say about logs, one JSON object a line in, one out."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError

from incidents.cases import Case, answer, case_of
from incidents.classify import classify


class Command(BaseCommand):
    requires_system_checks = ()  # nothing is served
    help = 'Read {"id", "tool", "log", "context", "asset"} a line, write class, subtype, action and why a line.'

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="JSON lines; - for standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        with _opened(options["file"]) as lines:
            for number, case in _cases(lines):
                if isinstance(case, str):
                    broken += 1
                    self.stdout.write(json.dumps({"id": None, "line": number, "error": case}))
                    continue
                found = classify(case.log, tool=case.tool, context=case.context)
                self.stdout.write(json.dumps({"id": case.id, **answer(found)}, ensure_ascii=False))
        if broken:
            raise CommandError(f"{broken} lines were not read: each must be a JSON object with a text in `log`.")


@contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    if name == "-":
        yield sys.stdin
        return
    path = Path(name)
    if not path.is_file():
        raise CommandError(f"There is no file {name}.")
    with path.open(encoding="utf-8", errors="replace") as file:
        yield file


def _cases(lines: Iterable[str]) -> Iterator[tuple[int, Case | str]]:
    """The number of each line that is not empty, with its case or what is wrong with it."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield number, case_of(json.loads(line))
            except ValueError as error:
                yield number, str(error)
