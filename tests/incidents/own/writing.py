"""A signature that a team would write, and past runs that said so."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from app.core.audit import Actor, Source
from app.core.models import User
from incidents.models import Asset, Run
from incidents.own.candidate import Candidate
from integrations.models import Connection
from tests import factories

LINE = "ERROR partner feed 12 is busy, come back at 03:00"
LOG = f"02:47:01 starting\n02:47:02 {LINE}\n02:47:03 giving up\n"


def candidate(**fields: Any) -> Candidate:
    given: dict[str, Any] = {
        "name": "partner-feed-busy",
        "pattern": r"partner feed (?P<feed>\d+) is busy",
        "subtype": "service_unavailable",
        "means": "The partner loads its own side; the feed answers again after that.",
    }
    return Candidate(**given | fields)


def who(user: User) -> dict[str, Any]:
    return {"by": user, "actor": Actor.of(user), "source": Source("web")}


def run(log: str = LOG, status: str = "failed", **fields: Any) -> Run:
    at = timezone.now()
    job: Asset = fields.pop("job", None) or factories.asset("load", "jobs://ingest", kind="job")
    source = Connection.objects.first() or factories.connection()
    number = Run.objects.count()
    return Run.objects.create(
        connection=source, external_id=f"run-{number}", job=job, status=status, log=log, started_at=at,
        finished_at=at, **fields,
    )  # fmt: skip
