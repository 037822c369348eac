"""`manage.py bench pages`: time the pages at 100,000 incidents and 1,000,000 events, in a database of its own."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from app.bench.pages import measure, scratch

LIMIT_MS = 150  # p95 of a page at the server (issue 2, acceptance 8)


class Command(BaseCommand):
    help = "Seed a scratch database and measure: p95 of each page, and whether its queries grow with history."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["pages"])
        parser.add_argument("--incidents", type=int, default=100_000, help="ten events each")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        incidents = max(2_000, options["incidents"])
        try:
            with scratch():
                timings = measure(incidents)
        except DatabaseError as error:
            raise CommandError(
                f"The scratch database could not be made or seeded: {error}"
                " DATABASE_URL must name a role that may create databases."
            ) from error
        is_good = all(one.p95_ms <= LIMIT_MS and one.is_constant for one in timings)
        if options["json"]:
            rows = [{**asdict(one), "constant": one.is_constant} for one in timings]
            report = {
                "incidents": incidents,
                "events": incidents * 10,
                "limit_ms": LIMIT_MS,
                "ok": is_good,
                "pages": rows,
            }
            self.stdout.write(json.dumps(report, indent=2))
        else:
            for one in timings:
                grows = "constant" if one.is_constant else f"GROWS from {one.queries_small}"
                self.stdout.write(
                    f"{one.page:14} p50 {one.p50_ms:7.1f} ms  p95 {one.p95_ms:7.1f} ms  {one.queries} queries, {grows}"
                )
        if not is_good:
            raise CommandError(f"A page is slower than {LIMIT_MS} ms at p95, or its queries grow with history.")
