"""The key that one person holds: a note names the header, the gateway reads with it, worker-act acts with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import serializers
from django.test import Client

from app.core.audit import Actor
from app.core.models import AuditRecord, User
from approvals.execute import execute
from approvals.models import Execution, ExecutionStep, Proposal, Report
from approvals.plan import Plan
from approvals.propose import propose
from approvals.stage import stage
from approvals.validate import validate
from approvals.verify import verify
from incidents.models import Diagnosis, Event, Evidence, Incident, ToolCall
from integrations.demo import cluster
from knowledge.archive import archive
from knowledge.models import Citation
from tests.approvals.light import approve
from tests.approvals.stranded import KEY, OWNER, Stranded, stranded
from tests.gateway_fixture import gateway

__all__ = ["gateway"]
KEPT = (Evidence, ToolCall, Diagnosis, Event, Proposal, Report, Execution, ExecutionStep, AuditRecord)


@pytest.fixture
def shop(tmp_path: Path, transactional_db: None, gateway: None) -> Iterator[Stranded]:
    with stranded(tmp_path) as world:
        yield world


def proposed() -> Proposal:
    made = propose(Incident.objects.get())
    assert made is not None
    stage(made)
    verify(Proposal.objects.get(pk=made.pk))
    return Proposal.objects.get(pk=made.pk)


def everything_kept() -> str:
    return "\n".join(serializers.serialize("json", model.objects.all()) for model in KEPT)


def test_with_the_note_the_pod_is_read_and_the_job_runs_again_once(
    shop: Stranded, client: Client, administrator: User, approver: Any
) -> None:
    note = shop.note(administrator)
    diagnosis = shop.fail()
    assert (diagnosis.failure_class, diagnosis.subtype) == ("infrastructure", "worker_lost")
    cited = next(claim for claim in diagnosis.claims if cluster.HEADER in claim["text"])
    assert cited["cites"][0] == "K1" and cited["cites"][1].startswith("E")
    assert Citation.objects.get(entry=note).diagnosis == diagnosis.pk
    read = ToolCall.objects.get(tool="workload")
    assert (read.ok, read.arguments["note"]) == (True, note.pk)

    made = proposed()
    (step,) = Plan.from_json(made.plan).steps
    assert (made.action, made.report.green, step.kind, step.params["attempts"]) == ("retry", True, "rerun", 1)
    assert step.params["header"] == {
        "name": cluster.HEADER, "reference": "vault://cluster/key", "host": shop.host, "entry": note.pk, "cite": "K1",
    }  # fmt: skip
    assert "K1 says which header" in made.plan["why"]
    assert (made.risk, "deletes by force" in made.risk_reason) == ("medium", True)
    approve(made, approver)
    execute(Proposal.objects.get(pk=made.pk))
    validate(Proposal.objects.get(pk=made.pk))
    assert Proposal.objects.get(pk=made.pk).status == "done"
    assert (Incident.objects.get().status, len(cluster.ledger(shop.state))) == ("resolved", 1)
    assert Citation.objects.get(entry=note).outcome == "right"

    client.force_login(approver)
    number = Incident.objects.get().number
    pages = [client.get(f"/incidents/{number}/{part}").content.decode() for part in ("", "proposal/")]
    assert any(cluster.HEADER in page for page in pages)
    assert "cannot be taken back from here" in pages[1] and "one click" not in pages[1] and "/undo/" not in pages[1]
    assert KEY not in everything_kept() + "".join(pages)


@pytest.mark.parametrize("archived", [False, True])
def test_without_the_note_it_cannot_be_read_and_the_diagnosis_says_whom_to_ask(
    shop: Stranded, administrator: User, archived: bool
) -> None:
    if archived:
        archive(shop.note(administrator), by=administrator, actor=Actor.of(administrator), source="web")
    diagnosis = shop.fail()
    assert diagnosis.inconclusive
    assert "answered 401" in diagnosis.root_cause
    assert f"Ask {OWNER['name']} <{OWNER['email']}>" in diagnosis.root_cause
    assert not ToolCall.objects.get(tool="workload").ok
    assert Incident.objects.get().status == "escalated"
    assert not Evidence.objects.filter(kind="workload").exists()
    assert cluster.ledger(shop.state) == []


def test_a_note_sends_the_key_to_no_other_host_and_no_other_key_here(shop: Stranded, administrator: User) -> None:
    shop.note(administrator, host="127.0.0.1:9")
    shop.note(administrator, reference="vault://other/key")
    diagnosis = shop.fail()
    assert diagnosis.inconclusive
    assert "secret of another connection" in diagnosis.root_cause
    assert "another-secret" not in everything_kept()


def test_a_note_that_is_archived_after_the_signature_stops_the_effect(
    shop: Stranded, administrator: User, approver: Any
) -> None:
    note = shop.note(administrator)
    shop.fail()
    made = proposed()
    approve(made, approver)
    archive(note, by=administrator, actor=Actor.of(administrator), source="web")
    execute(Proposal.objects.get(pk=made.pk))
    assert Proposal.objects.get(pk=made.pk).status != "done"
    assert Incident.objects.get().status == "escalated"
    assert cluster.ledger(shop.state) == []


def test_a_log_that_repeats_the_key_gives_nothing_away(
    shop: Stranded, client: Client, administrator: User, approver: User
) -> None:
    with cluster.changed(shop.state) as state:
        (name,) = state["pods"]
        state["logs"][name] += f"debug: {json.dumps({cluster.HEADER: KEY})}\nplain {KEY} again\n"
    shop.note(administrator)
    shop.fail()
    lines = Evidence.objects.get(kind="workload").body["lines"]
    assert "plain ••• again" in [line["text"] for line in lines]
    client.force_login(approver)
    page = client.get(f"/incidents/{Incident.objects.get().number}/").content.decode()
    assert "plain ••• again" in page
    assert KEY not in everything_kept() + page
