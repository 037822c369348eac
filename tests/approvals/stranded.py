"""A job that is stuck in a cluster which only its odd header opens: for the tests of the note that names the header."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from app.core.audit import Actor
from app.core.models import User
from approvals.steps.work import plain
from incidents.collect import drain, receive
from incidents.diagnose import diagnose
from incidents.models import Diagnosis, Incident
from integrations import connections
from integrations.demo import cluster
from integrations.models import Connection
from integrations.values import AssetFact, AssetRef, RunReport, as_json
from knowledge.hints import Header
from knowledge.models import Entry
from knowledge.write import Content, create

KEY = "lena-s-own-key-9f2c"
JOB = AssetRef("k8s://shop", "ledger")
OWNER = {"name": "Platform Finance", "email": "platform-finance@shop.example"}


@dataclass
class Stranded:
    state: Path
    host: str

    def fail(self) -> Diagnosis:
        """The scheduler tells that the job failed, and no more; and what a diagnosis makes of it."""
        now = timezone.now()
        report = RunReport(
            "ledger-1", JOB, "failed", started_at=now - timedelta(minutes=5), finished_at=now,
            error="ledger: its pod ended without a result, see the log in the cluster",
            facts=(AssetFact(JOB, "job", OWNER),),
        )  # fmt: skip
        receive(Connection.objects.get(name="cluster"), "run", plain(as_json(report)))
        drain()
        made = diagnose(Incident.objects.get())
        assert made is not None
        return made

    def note(self, by: User, *, host: str = "", reference: str = "vault://cluster/key") -> Entry:
        hint = Header(cluster.HEADER, reference, host or self.host)
        body = "The proxy before the cluster takes the key in a header of its own. Lena knew."
        content = Content("runbook", "The cluster wants another header", "asset = ledger", body, (hint,))
        return create(content, by=by, actor=Actor.of(by), source="web")


@contextmanager
def stranded(home: Path) -> Iterator[Stranded]:
    state = home / "cluster.json"
    cluster.create(state, KEY)
    cluster.strand(state, "ledger")
    service = cluster.server(0, state)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{service.server_address[1]}"
    config = {"namespace": "k8s://shop", "url": f"http://{host}", "within": cluster.NAMESPACE}
    connections.create("cluster", "kubernetes", config, {"key": KEY})
    connections.create("other", "webhook", {"namespace": "test://other"}, {"key": "another-secret"})
    try:
        yield Stranded(state, host)
    finally:
        service.shutdown()
        service.server_close()
