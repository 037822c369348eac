"""`manage.py bench WHAT`: measure at the size of years, and fail where a bar is missed."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from app.bench import BENCHMARKS


class Command(BaseCommand):
    requires_system_checks = ()  # nothing is served
    help = "; ".join(f"{name}: {what}" for name, (_, _, what) in BENCHMARKS.items())

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=list(BENCHMARKS))
        parser.add_argument("--size", type=int, help="a smaller one is quicker, and not what the bars are about")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        run, size, _ = BENCHMARKS[options["what"]]
        try:
            result = run(options["size"] or size)
        except DatabaseError as error:
            raise CommandError(
                f"The scratch database could not be made or seeded: {error}"
                " DATABASE_URL must name a role that may create databases."
            ) from error
        if options["json"]:
            self.stdout.write(json.dumps({**result.report, "missed": result.missed}, indent=2))
        else:
            self.stdout.write("\n".join(result.rows))
        if result.missed:
            raise CommandError(" ".join(result.missed))
