"""A job that asks a real service which answers in one window a day and says nothing of it: for the tests of a note."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from approvals.models import Proposal
from approvals.propose import propose
from approvals.stage import stage
from approvals.steps.work import plain
from approvals.verify import verify
from incidents.collect import drain, receive
from incidents.diagnose import diagnose
from incidents.models import Incident
from integrations.connections import connector
from integrations.demo import rates_service
from integrations.effects import RunRequest
from integrations.models import Connection
from integrations.values import AssetRef, Json, as_json
from tests.contracts.worlds import repository

JOB = AssetRef("jobs://ingest", "load_quotes")
LOAD = """import os, pathlib, urllib.error, urllib.request
ledger = pathlib.Path(os.environ["LEDGER"])
with ledger.open("a") as out:
    out.write(os.environ["RUN_KEY"] + "\\n")
try:
    print(urllib.request.urlopen(os.environ["URL"] + "/v1/quotes?date=" + os.environ["RUN_DATE"], timeout=10).read())
except urllib.error.HTTPError as error:
    raise SystemExit(f"GET {os.environ['URL']} -> HTTP {error.code} {error.reason}; {error.read().decode()}")
"""
MANIFEST = '[jobs.load_quotes]\ncommand = ["python", "load.py"]\noutputs = ["raw.quotes"]\n'


@dataclass
class Hours:
    home: Path

    def open(self, start: str, end: str) -> None:
        (self.home / "state.json").write_text(json.dumps({"seed": 1, "window": {"from": start, "to": end}}))

    def asked(self) -> int:
        """How often the job ran, by its own ledger."""
        ledger = self.home / "ledger"
        return len(ledger.read_text().split()) if ledger.exists() else 0

    def fail(self) -> Incident:
        """The scheduled run, and what is known of it after a diagnosis."""
        request = RunRequest(uuid.uuid4().hex, "production", jobs=(JOB,), parameters={"run_date": "2026-11-19"})
        jobs = Connection.objects.get(name="jobs")
        outcome = connector(jobs).run(request)
        assert not outcome.ok
        receive(jobs, "run", plain(as_json(outcome.report)))
        drain()
        incident = Incident.objects.get()
        diagnose(incident)
        return Incident.objects.get()

    def proposed(self) -> Proposal:
        made = propose(self.fail())
        assert made is not None
        stage(made)
        verify(Proposal.objects.get(pk=made.pk))
        return Proposal.objects.get(pk=made.pk)


def clock(minutes: int) -> str:
    """The time of day so many minutes from now, UTC."""
    return (timezone.now() + timedelta(minutes=minutes)).strftime("%H:%M")


@contextmanager
def hours(home: Path) -> Iterator[Hours]:
    world = Hours(home)
    world.open(clock(120), clock(145))
    service = rates_service.server(0, home / "state.json")
    threading.Thread(target=service.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{service.server_address[1]}"
    folder = repository(home, {"load.py": LOAD, "pipeline.toml": MANIFEST})
    environment: Json = {"LEDGER": str(home / "ledger"), "URL": url}
    for name, kind, config in (
        ("code", "git", {"namespace": "git://code", "path": str(folder), "branch": "main"}),
        ("jobs", "scripts", {"namespace": "jobs://ingest", "git": "code", "environment": environment}),
    ):
        Connection.objects.create(name=name, kind=kind, config=config)
    try:
        yield world
    finally:
        service.shutdown()
        service.server_close()
