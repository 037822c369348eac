"""Connects Countersign to a lakehouse and tells it the past: through the same doors that every run comes in by."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from integrations import connections
from integrations.demo import repository
from integrations.demo.lakehouse import Lakehouse
from integrations.demo.reporting import Door, run_event
from integrations.demo.scheduler import SCHEDULED, attempt
from integrations.models import Connection

LINEAGE, DBT = "ingest-lineage", "shop"  # the connections that the scheduler reports to
EVERY = 10  # days between two lines of progress


def load(lakehouse: Lakehouse, *, url: str, progress: Callable[[str], None]) -> Door:
    """Make the connections that are missing and report the past runs that were not reported yet.

    Safe to repeat: what was told is remembered beside the lakehouse. Raises httpx.HTTPError when Countersign at `url`
    does not take a report.
    """
    keys = connect(lakehouse)
    door = Door(url, keys[LINEAGE], keys[DBT])
    told = set(keys.get("told", "").split())
    past = sorted(folder for folder in lakehouse.runs.iterdir() if (folder / "run.json").exists())
    for number, folder in enumerate(past, start=1):
        if folder.name not in told:
            tell(lakehouse, folder, door)
            keys["told"] = f"{keys.get('told', '')} {folder.name}".strip()
            _keep(lakehouse, keys)
        if number % EVERY == 0 or number == len(past):
            progress(f"Reported {number} of {len(past)} past days")
    return door


def connect(lakehouse: Lakehouse) -> dict[str, str]:
    """Create the connections that are not there; returns the inbound keys by connection name."""
    keys = _kept(lakehouse)
    for name, kind, config, secrets in lakehouse.connections():
        found = Connection.objects.filter(name=name).first()
        if found is None:
            keys[name] = connections.create(name, kind, config, secrets)[1]
            keys.pop("told", None)  # because a database without the connection knows nothing of the past
        elif name not in keys:
            keys[name] = connections.rotate_key(found)
        _keep(lakehouse, keys)
    return keys


def door(lakehouse: Lakehouse, url: str) -> Door:
    """Where the scheduler reports to. Raises LookupError before `load` has run."""
    keys = _kept(lakehouse)
    if LINEAGE not in keys:
        raise LookupError("This lakehouse is not connected yet.")
    return Door(url, keys[LINEAGE], keys[DBT])


def tell(lakehouse: Lakehouse, folder: Path, door: Door) -> None:
    """Report one past run: each job as it began and ended, then dbt's artifacts."""
    run = json.loads((folder / "run.json").read_text())
    when, commit = date.fromisoformat(run["date"]), run["commit"]
    manifest = tomllib.loads(repository.git(lakehouse.repo, "show", f"{commit}:pipeline.toml"))
    at = datetime.combine(when, SCHEDULED)
    for name, job in run["jobs"].items():
        told = attempt(lakehouse, name, manifest, f"{name}-{when.isoformat()}", when, commit)
        door.event(run_event(told, "START", at))
        at += timedelta(seconds=job["seconds"])
        door.event(run_event(told, "COMPLETE", at))
    door.artifacts(_facts(run, at), folder / "dbt")


def _facts(run: dict[str, Any], at: datetime) -> dict[str, str]:
    end = at + timedelta(seconds=run["seconds"])
    times = {"started_at": at.isoformat(), "finished_at": end.isoformat(), "return_code": str(run["return_code"])}
    return {"environment": "production", "commit": run["commit"], "run_id": run["run_id"], **times}


def _kept(lakehouse: Lakehouse) -> dict[str, str]:
    path = _path(lakehouse)
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _keep(lakehouse: Lakehouse, keys: dict[str, str]) -> None:
    draft = _path(lakehouse).with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(keys))
    draft.replace(_path(lakehouse))


def _path(lakehouse: Lakehouse) -> Path:
    return lakehouse.home / "keys.json"
