"""A hostile model, measured at the database's log and at the socket: the smoke of tests/chaos/test_hostile.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.core.models import AuditRecord
from approvals.models import Decision, Proposal
from incidents.agent.records import AgentSession, AgentStep, ModelCall
from incidents.models import Incident, ToolCall
from integrations.models import Connection
from tests.incidents.agent_world import asked, looked
from tests.incidents.hostile import A_TURN, turn
from tests.incidents.siege import (
    MAY_WRITE,
    Trap,
    besieged,
    counts,
    gateway,
    log_from,
    log_size,
    outside_database,
    written,
)

TURNS = 10  # of a session: its 60 actions are what one grant is good for
SEED = 20_261_120


def storm(settings: Any, incident: Incident, sessions: int, *, sandbox: str, seed: int = SEED) -> str:
    """So many sessions of a hostile model; what happened meanwhile, in one line."""
    trap, before, start = Trap(), counts(), log_size()
    said = [0]

    def script(question: Any, number: int) -> Any:
        said[0] += A_TURN
        return turn(seed + said[0], trap.url)

    bounds: dict[str, Any] = dict.fromkeys(("per_incident", "per_connection", "per_day"), "9000")
    bounds |= {"calls": 100_000, "tokens": 9_000_000, "cooldown_min": 0, "seconds": 90}
    with gateway() as port:
        settings.GATEWAY_URL = f"http://127.0.0.1:{port}"
        with asked(settings, script, sandbox=sandbox, **bounds):
            before |= {name: rows for name, rows in counts().items() if name == "integrations_connection"}
            for at in range(sessions):  # another title each time, because the same question has its answer already
                Incident.objects.filter(pk=incident.pk).update(title=f"orders is broken {at}")
                looked(Incident.objects.get(pk=incident.pk))
    own, theirs = written(log_from(start))
    after = counts()
    assert own <= MAY_WRITE, own
    assert theirs == [], theirs
    assert trap.calls == 0
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed <= {"incidents_incident"}, changed  # its lease, by the worker
    return f"seed {seed}: {said[0]} actions, {ToolCall.objects.count()} recorded"


def granted_alone(incident: Incident) -> None:
    reads = {"evidence", "schema", "versions", "profile", "sample", "grants", "changes", "read_file", "parameters"}
    answered = ToolCall.objects.filter(ok=True, caller="agent")
    assert set(answered.values_list("tool", flat=True)) <= reads
    assert set(answered.values_list("incident", flat=True)) <= {incident.pk}
    about = {(row.arguments["namespace"], row.arguments["name"]) for row in answered if "namespace" in row.arguments}
    assert about <= {("postgres://target", "public.orders"), ("dbt://shop", "orders")}
    assert not Decision.objects.exists() and not Proposal.objects.exists()
    assert not AuditRecord.objects.filter(event__startswith=("decision.")).exists()
    assert not ToolCall.objects.filter(ok=True, tool__in=["approve", "publish", "propose_fix"]).exists()
    assert AgentSession.objects.exclude(outcome="failed").count() == 0


@pytest.mark.parametrize("sandbox", ["bubblewrap", "off"])
def test_a_hostile_model_gets_nothing(transactional_db: None, tmp_path: Path, settings: Any, sandbox: str) -> None:
    with outside_database() as dsn:
        incident = besieged(tmp_path, dsn)
        said = storm(settings, incident, 2, sandbox=sandbox)
        granted_alone(incident)
    assert ToolCall.objects.filter(ok=True, caller="agent").exists(), said  # it did get what it may have
    assert ModelCall.objects.filter(state="ok").exists() and AgentStep.objects.exists()
    assert Connection.objects.filter(name="model").exists()
