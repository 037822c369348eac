"""`manage.py demo build | run | faults | break FAULT | note FAULT | forget FAULT | mend | reset | status`: the demo."""

from __future__ import annotations

import os
import subprocess
from argparse import ArgumentParser
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from app.launcher import demo_notes
from integrations.demo import build, faults, heal, lakehouse, scheduler, seed
from integrations.demo.lakehouse import Lakehouse
from integrations.demo.names import DEFAULT, Names, scrambled
from integrations.demo.reporting import Door

DAYS = 40  # of history, so that bands exist
HEALTH_S = 5  # seconds that Countersign has to answer before we say that it is not up


class Command(BaseCommand):
    help = "Build, run and break the demo's pipeline."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("build", help="make the lakehouse with its history, connect it and report the past")
        verbs.add_parser("run", help="run the next day's pipeline")
        verbs.add_parser("faults", help="list what can be broken")
        breaks = verbs.add_parser("break", help="break it and run the next day")
        breaks.add_argument("fault", choices=[*sorted(faults.FAULTS), *faults.TACIT, *faults.ASKED])
        for verb, does in (("note", "write down what somebody knows of it"), ("forget", "archive that note")):
            verbs.add_parser(verb, help=does).add_argument("fault", choices=[*demo_notes.NOTES])
        verbs.add_parser("mend", help="do what was asked of the planning sheet's owner")
        verbs.add_parser("reset", help="put right what the last fault left")
        verbs.add_parser("status", help="say where it is and what is broken")

    def handle(self, *args: Any, **options: Any) -> None:
        verb = getattr(self, f"_{options['verb']}")
        verb(options["fault"]) if "fault" in options else verb()

    def _build(self) -> None:
        dsn = os.environ.get("COUNTERSIGN_DEMO_CRM_URL")
        if not dsn:
            raise CommandError("COUNTERSIGN_DEMO_CRM_URL must name a PostgreSQL server that the CRM may be made on.")
        try:
            made = build.build(
                self._home(),
                crm_admin_dsn=dsn,
                progress=self._say,
                names=self._names(),
                days=int(os.environ.get("COUNTERSIGN_DEMO_DAYS", DAYS)),
                orders_a_day=int(os.environ.get("COUNTERSIGN_DEMO_ORDERS", build.ORDERS_A_DAY)),
            )
            seed.load(made, url=settings.URL, progress=self._say)
            demo_notes.write_all(made)
        except psycopg.Error as error:
            raise CommandError(f"The CRM's database could not be made: {error}") from error
        except subprocess.CalledProcessError as error:
            raise CommandError(f"A step of the build failed: {error.stderr}") from error
        except httpx.HTTPError as error:
            advice = "Run `manage.py demo build` again."
            raise CommandError(f"Countersign did not take the history ({error}). {advice}") from error
        self._say("The demo is ready. Break it: manage.py demo break yen-beside-dollars")

    def _names(self) -> Names:
        """Those of the demo, or with COUNTERSIGN_DEMO_NAMES=<seed> others that say nothing."""
        seed_of_names = os.environ.get("COUNTERSIGN_DEMO_NAMES")
        return scrambled(int(seed_of_names)) if seed_of_names else DEFAULT

    def _run(self) -> None:
        found = self._lakehouse()
        done = scheduler.daily_run(found, door=self._door(found))
        failed = ", ".join(job for job, code in done.jobs.items() if code)
        built = {0: "dbt built everything", 1: "dbt has failures", 2: "dbt ran nothing"}.get(
            done.build, "dbt was ended"
        )
        self._say(f"Ran {done.date}: {f'failed: {failed}' if failed else 'all jobs succeeded'}; {built}")

    def _faults(self) -> None:
        self._list(faults.FAULTS)
        self._say("\nWhat only somebody who knows can tell; `demo forget` and `demo note` take its note away and back:")
        self._list(faults.TACIT)
        self._say("\nWhat only a person can mend; `demo mend` is that person doing what was asked:")
        self._list(faults.ASKED)

    def _list(self, known: Mapping[str, faults.Fault]) -> None:
        for fault in known.values():
            self._say(f"{fault.name:<24} {fault.failure_class:<15} {fault.action:<22} {fault.what_really_happens}")

    def _break(self, fault: str) -> None:
        found = self._lakehouse()
        self._say("Breaking it and running the next day; this takes about 20 s")
        aligned = partial(demo_notes.align, found, fault)
        truth = faults.inject(found, fault, door=self._door(found), ready=aligned)
        faults.save(truth, found.home)
        self._say(f"{truth.date}: {truth.what_really_happens}")
        self._say(f"Look at: {truth.look_at}")
        self._say(f"Truth: {truth.failure_class}, root {truth.root_asset.uri}, action {truth.action}")
        self._say(f"Incidents: {settings.URL}/incidents/")

    def _note(self, fault: str) -> None:
        written = demo_notes.write(self._lakehouse(), fault)
        self._say(f"Known from now on: “{written.title}”. {settings.URL}/knowledge/{written.pk}/")

    def _forget(self, fault: str) -> None:
        gone = demo_notes.forget(self._lakehouse(), fault)
        self._say(f"The note about {fault} is archived." if gone else f"Nothing is known about {fault}.")

    def _mend(self) -> None:
        found = self._lakehouse()
        try:
            heal.mend(found, self._door(found))
        except LookupError as error:
            raise CommandError(str(error)) from error
        self._say("The rows are back in the sheet, and its load took them.")

    def _reset(self) -> None:
        fault = heal.heal(self._lakehouse())
        self._say(f"Put right: {fault}. The next run is healthy." if fault else "Nothing was broken.")

    def _status(self) -> None:
        found = self._lakehouse()
        self._say(f"Lakehouse: {found.home}")
        self._say(f"Last run:  {max(folder.name for folder in found.runs.iterdir())}")
        self._say(f"Broken:    {heal.broken(found) or 'nothing'}")

    def _door(self, found: Lakehouse) -> Door:
        try:
            httpx.get(f"{settings.URL}/healthz", timeout=HEALTH_S)
            return seed.door(found, settings.URL)
        except httpx.HTTPError as error:
            raise CommandError(f"Nothing answers at {settings.URL}: start `manage.py up --demo` first.") from error
        except LookupError as error:
            raise CommandError(f"{error} Run `manage.py demo build`.") from error

    def _lakehouse(self) -> Lakehouse:
        found = lakehouse.read(self._home())
        if found is None:
            raise CommandError(f"There is no lakehouse below {self._home()} yet: `manage.py up --demo` builds it.")
        return found

    def _home(self) -> Path:
        return Path(settings.DATA_DIR) / "demo"

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
