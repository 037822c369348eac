"""One incident from event to undo, on a real lakehouse: read this first.

Yen arrive beside dollars. No test fails; the drift check finds it. The rows are held on a branch, the approver sees the
proven result and signs, workers publish exactly that, production is back in its band; one more click takes it back.
Each step is called as a worker calls it; `tests/scenarios` does the same through processes, queue and API.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import transaction

from app.core import seal
from app.core.audit import Actor, Source
from app.core.errors import Stale
from app.core.models import AuditRecord, User
from approvals.decide import decide
from approvals.execute import execute
from approvals.models import Execution, Proposal
from approvals.propose import propose
from approvals.stage import stage
from approvals.undo import ask_undo, undo
from approvals.validate import validate
from approvals.verify import verify
from incidents.detect import detect
from incidents.diagnose import diagnose
from incidents.models import Incident, Run
from integrations.demo import faults, known_good, seed
from tests.approvals import shop
from tests.gateway_fixture import gateway

__all__ = ["gateway"]
WEB = Source("web")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_incident_from_event_to_undo(tmp_path: Path, postgres_dsn: str, gateway: None, approver: User) -> None:
    with shop.standing(tmp_path / "home", postgres_dsn) as lakehouse:
        # collect: ten days of the pipeline are told through the doors; the last has yen in it, and nothing fails
        keys = seed.connect(lakehouse)
        door = shop.Inside("", keys[seed.LINEAGE], keys[seed.DBT])
        seed.tell(lakehouse, lakehouse.runs / lakehouse.today.isoformat(), door)
        faults.inject(lakehouse, "yen-beside-dollars", door=door)
        door.deliver()
        assert not Incident.objects.exists()

        # understand: the drift check opens it, evidence is gathered through the gateway, every claim cites some
        for run in Run.objects.filter(status="success").order_by("pk"):
            detect(run)
        door.deliver()
        incident = Incident.objects.get()
        diagnosis = diagnose(incident)
        assert diagnosis is not None
        assert (diagnosis.failure_class, incident_root(incident)) == ("data", "raw.payments")
        labels = set(incident.evidence.values_list("label", flat=True))
        assert all(claim["cites"] and set(claim["cites"]) <= labels for claim in diagnosis.claims)

        # propose, stage, verify: proven on a branch, production untouched
        before = known_good.state(lakehouse)
        proposal = propose(Incident.objects.get())
        assert proposal is not None
        assert proposal.action == "quarantine"
        stage(proposal)
        verify(reread(proposal))
        proposal = reread(proposal)
        assert (proposal.status, proposal.report.green) == ("awaiting_decision", True)
        report = proposal.report.sections
        assert report["rows"][0]["removed"] > report["rows"][0]["changed"] == report["rows"][0]["added"] == 0
        assert report["undo"]["rehearsed"]
        assert proposal.branches[0]["bytes_written"] < 1_000_000
        assert known_good.state(lakehouse) == before

        # sign: these bytes, or none
        actor = Actor.of(approver)
        with pytest.raises(Stale):
            decide(proposal, "approve", fingerprint="0" * 64, by=approver, actor=actor, source=WEB)
        decide(proposal, "approve", fingerprint=proposal.fingerprint, by=approver, actor=actor, source=WEB)

        # carry out, check: production is what it would have been without the yen
        execute(reread(proposal))
        validate(reread(proposal))
        assert (reread(proposal).status, Incident.objects.get().status) == ("done", "resolved")
        good = known_good.known_good(lakehouse, "yen-beside-dollars")
        assert {asset: content for asset, content in known_good.state(lakehouse).items() if asset in good} == good

        # undo: the bytes that were there before
        undo(ask_undo(Execution.objects.get(), by=approver, actor=actor, source=WEB))
        assert reread(proposal).status == "undone"
        assert known_good.state(lakehouse) == before

    # look back: the trail tells it in order, and nothing in it was touched
    told = list(AuditRecord.objects.filter(correlation=incident.number).order_by("id").values_list("event", flat=True))
    story = [
        "incident.open",
        "proposal.drafted",
        "decision.denied",
        "decision.approve",
        "proposal.done",
        "proposal.undone",
    ]
    assert [event for event in told if event in story] == story
    with transaction.atomic():
        seal.seal()
    assert list(seal.verify()) == []


def reread(proposal: Proposal) -> Proposal:
    return Proposal.objects.get(pk=proposal.pk)


def incident_root(incident: Incident) -> str:
    return Incident.objects.select_related("root_asset").get(pk=incident.pk).root_asset.name
