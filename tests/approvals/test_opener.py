"""What our own detector found is looked for again in production before an incident is called fixed."""

from __future__ import annotations

from typing import Any

from approvals.execute import execute
from approvals.models import Proposal
from approvals.validate import validate
from incidents.models import Event, Incident
from integrations.models import Connection
from integrations.values import Json
from tests.approvals.light import CHANGED_CODE, DATA, RERUN, Light, approve, proposal
from tests.gateway_fixture import gateway

__all__ = ["gateway"]


def opened_by_yen(incident: Incident) -> None:
    """As placement writes it for a finding of the detector."""
    lake, asset = Connection.objects.get(name="lake"), incident.root_asset
    finding = {"check": "category:currency", "column": "currency", "what": "A value of currency that was never there",
               "usual": "EUR", "now": "JPY 10%", "new": ["JPY"], "rows": 10, "share": 0.1}  # fmt: skip
    named = {"namespace": asset.namespace, "name": asset.name}
    alert: Json = {"fingerprint": "yen", "asset": named, "status": "firing", "check": finding["check"],
                   "detail": {"version": "1", "scope": "load", "findings": [finding]}}  # fmt: skip
    event = Event.objects.create(connection=lake, kind="drift", fingerprint="yen", payload=alert)
    incident.members.create(event=event, asset=asset, role="root", why="It was seen first")
    opened = {"kind": "check", "check": finding["check"], "key": f"check:{lake.pk}:yen"}
    Incident.objects.filter(pk=incident.pk).update(opened_by=opened)


def through(made: Proposal, by: Any) -> tuple[str, Json]:
    opened_by_yen(made.incident)
    approve(made, by)
    execute(Proposal.objects.get(pk=made.pk))
    validate(Proposal.objects.get(pk=made.pk))
    made.refresh_from_db()
    checks = made.executions.get(direction="forward").validation["checks"]
    return made.status, next(check for check in checks if check["name"] == "opener")


def test_the_detector_that_opened_it_looks_again_and_is_content(world: Light, gateway: None, approver: Any) -> None:
    status, opener = through(proposal(world, (DATA, RERUN)), approver)
    assert (status, opener["ok"]) == ("done", True)
    assert "is as usual again" in opener["note"]


def test_a_fix_that_leaves_what_the_detector_found_is_no_fix(world: Light, gateway: None, approver: Any) -> None:
    made = proposal(world, (CHANGED_CODE, RERUN))
    status, opener = through(made, approver)
    assert (status, opener["ok"]) == ("failed", False)
    assert made.incident.status == "escalated"
