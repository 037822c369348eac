"""Puts right what a fault left, forward in time: the next daily run is healthy, whether or not the fault was fixed."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from integrations.demo import cluster, crm, lake, owner, repository
from integrations.demo.lakehouse import MEMORY_VARIABLE, Lakehouse
from integrations.demo.reporting import Door

SHEET = "overwritten-sheet"


def _memory(lakehouse: Lakehouse) -> Path:
    return lakehouse.home / "fault.json"


def remember(lakehouse: Lakehouse, fault: str, when: date) -> None:
    """Keep what is needed to put things right, before anything is broken."""
    tree, limit = repository.tree(lakehouse.repo), lakehouse.memory_limit()
    facts = {"fault": fault, "date": when.isoformat(), "tree": tree, "memory_limit": limit}
    _memory(lakehouse).write_text(json.dumps(facts))


def broken(lakehouse: Lakehouse) -> str:
    """The fault that was injected and not yet put right; empty when there is none."""
    path = _memory(lakehouse)
    return str(json.loads(path.read_text())["fault"]) if path.exists() else ""


def mend(lakehouse: Lakehouse, door: Door) -> None:
    """Do what the owner of the sheet was asked, a load like any other. Raises LookupError where another fault is in."""
    if broken(lakehouse) != SHEET:
        raise LookupError(f"Nobody can mend {broken(lakehouse) or 'what is not broken'} but Countersign.")
    owner.put_back(lakehouse, date.fromisoformat(json.loads(_memory(lakehouse).read_text())["date"]), door)


def heal(lakehouse: Lakehouse) -> str:
    """Undo the last fault's cause and its traces, whatever was repaired meanwhile; returns its name, or nothing."""
    fault = broken(lakehouse)
    if not fault:
        return ""
    facts, names = json.loads(_memory(lakehouse).read_text()), lakehouse.names
    crm.grant(lakehouse.crm_admin_dsn, names("deals"), lakehouse.crm_role)
    set_memory(lakehouse, facts["memory_limit"])
    open_rates(lakehouse)
    if lakehouse.cluster_state.exists():
        cluster.clear(lakehouse.cluster_state)
    if fault == "yen-beside-dollars":
        lake.tool(lakehouse, "drop-rows", f"raw.{names('payments')}", names("currency"), "JPY")
    if fault == SHEET:
        owner.put_back(lakehouse, date.fromisoformat(facts["date"]))
    if fault == "duplicate-load":
        lake.tool(lakehouse, "dedupe", f"raw.{names('orders')}", names("order_id"))
    for old, new in lakehouse.renames().items():
        lake.tool(lakehouse, "rename", f"raw.{names('orders')}", new, old)
    lakehouse.renames_file.unlink(missing_ok=True)
    repository.restore(lakehouse.repo, facts["tree"], lakehouse.home / "edit")
    _memory(lakehouse).unlink()
    return fault


def set_memory(lakehouse: Lakehouse, limit: str) -> None:
    lines = lakehouse.environment_file.read_text().splitlines()
    kept = [line for line in lines if not line.startswith(f"{MEMORY_VARIABLE}=")]
    lakehouse.environment_file.write_text("\n".join([*kept, f"{MEMORY_VARIABLE}={limit}"]) + "\n")


def open_rates(lakehouse: Lakehouse) -> None:
    state = json.loads(lakehouse.rates_state.read_text())
    lakehouse.rates_state.write_text(json.dumps({"seed": state["seed"]}))
