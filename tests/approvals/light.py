"""A light target on real engines: a lake with one table of 100 rows, a repository of one file, one job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.db.models.functions import Now

from app.core.audit import Actor, Source
from approvals import fingerprint, policy
from approvals.decide import decide
from approvals.models import Execution, Proposal, Report
from approvals.plan import Plan, Step, Window
from approvals.restrained import named
from incidents.models import Diagnosis, Incident
from integrations.connections import connector
from integrations.effects import ApplyPatch, Change, QuarantineRows
from integrations.models import Connection
from integrations.values import AssetRef, Json, Predicate, as_json
from tests import factories
from tests.contracts.worlds import git, repository

LAKE, CODE, JOBS = "iceberg://lake", "git://code", "jobs://nightly"
ROWS, BAD = 100, 10
PATCH = "--- a/a.sql\n+++ b/a.sql\n@@ -1 +1 @@\n-select {0}\n+select {1}\n"
JOB = """import os, pathlib
ledger = pathlib.Path(os.environ["LEDGER"])
if (ledger.parent / "red").exists():
    raise SystemExit("the mart is red")
ledger.open("a").write(os.environ["RUN_KEY"] + "\\n")
"""
API = Source("api", "127.0.0.1", "pytest")


@dataclass
class Light:
    """The target and its three connections: `lake`, `code`, `jobs`."""

    home: Path
    number: int = 0

    @property
    def lake(self) -> Any:
        return connector(Connection.objects.get(name="lake"))

    @property
    def code(self) -> Any:
        return connector(Connection.objects.get(name="code"))

    def rows(self, table: str = "raw.orders") -> list[Json]:
        rows: list[Json] = self.lake.catalog.load_table(table).scan().to_arrow().sort_by("id").to_pylist()
        return rows

    def snapshots(self, table: str = "raw.orders") -> int:
        return len(self.lake.catalog.load_table(table).history())

    def commits(self) -> int:
        return int(git(self.home / "repository", "rev-list", "--count", "main"))

    def ran(self) -> list[str]:
        """Keys of the runs that came to their effect, from the job's own ledger."""
        ledger = self.home / "ledger"
        return ledger.read_text().split() if ledger.exists() else []

    def turn_red(self) -> None:
        (self.home / "red").touch()

    def move_lake(self) -> None:
        self.lake.catalog.load_table("raw.orders").append(pa.table({"id": [1000], "currency": ["USD"]}))

    def table(self, name: str) -> None:
        rows = pa.table({"id": list(range(ROWS)), "currency": ["EUR"] * (ROWS - BAD) + ["JPY"] * BAD})
        self.lake.catalog.create_table(name, schema=rows.schema).append(rows)


def light(home: Path) -> Light:
    catalog = {"type": "sql", "uri": f"sqlite:///{home}/catalog.db", "warehouse": f"file://{home}/lake"}
    entry = '[jobs.build]\ncommand = ["python", "build.py"]\ninputs = ["raw.orders"]\n'
    folder = repository(home, {"a.sql": "select 1\n", "build.py": JOB, "pipeline.toml": entry})
    environment = {"LEDGER": str(home / "ledger")}
    for name, kind, config in (
        ("lake", "iceberg", {"namespace": LAKE, "catalog": catalog}),
        ("code", "git", {"namespace": CODE, "path": str(folder), "branch": "main"}),
        ("jobs", "scripts", {"namespace": JOBS, "git": "code", "lake": "lake", "environment": environment}),
    ):
        Connection.objects.update_or_create(name=name, defaults={"kind": kind, "config": config})
    world = Light(home)
    world.lake.catalog.create_namespace_if_not_exists("raw")
    world.table("raw.orders")
    return world


DATA, CHANGED_CODE = ("publish", "lake"), ("publish", "code")
RERUN = ("rerun", "jobs")
STORY = (DATA, CHANGED_CODE, RERUN)


def proposal(
    world: Light,
    steps: tuple[tuple[str, str], ...] = STORY,
    *,
    on_red: str = "undo",
    window: Window | None = None,
    table: str = "raw.orders",
    editors: tuple[int, ...] = (),
    owner: Mapping[str, str] | None = None,
    risk: str = "low",
) -> Proposal:
    """A staged and verified proposal that awaits a decision, and its incident."""
    world.number += 1
    asset = factories.asset(table, LAKE)
    incident = factories.incident(
        status="awaiting_decision", root_asset=asset, opened_by={"kind": "job", "job": f"{JOBS}/build"}
    )
    Diagnosis.objects.create(incident=incident, root_cause="It is so.", confidence=1)
    plan = _plan(incident, steps, asset.ref, on_red, window, dict(owner or {}))
    made = Proposal.objects.create(
        incident=incident,
        number=1,
        action=plan.action,
        title=plan.title,
        plan=plan.as_json(),
        status="awaiting_decision",
        risk=risk,
        rehearsal="branch",
        editors=list(editors),
        proposer={"type": "rules", "id": "rules", "name": "Rules"},
    )
    _stage(made, world, {name for kind, name in steps if kind == "publish"}, asset.ref)
    _verify(made)
    return made


def _plan(
    incident: Incident,
    steps: tuple[tuple[str, str], ...],
    asset: AssetRef,
    on_red: str,
    window: Window | None,
    owner: dict[str, str],
) -> Plan:
    action = (
        "ask_owner" if owner else "quarantine" if DATA in steps else "patch_code" if CHANGED_CODE in steps else "retry"
    )
    params: dict[tuple[str, str], Json] = {
        DATA: {"assets": [asset.uri]},
        CHANGED_CODE: {"assets": []},
        RERUN: {"jobs": [f"{JOBS}/build"], "select": [], "parameters": {}, "attempts": 1},
        ("ask", ""): {"message": "Please grant it.", "due_h": 4, "then": owner.pop("then", []), "to": owner},
    }
    staged = [(name, params[kind, name]) for kind, name in steps if kind == "publish"]
    forks = [Step("fork", f"Branch {name}", "staging", name, assets, action) for name, assets in staged]
    acts = [Step(kind, f"{kind} {name}", "production", name, params[kind, name], action) for kind, name in steps]  # type: ignore[arg-type]
    made = (*forks, *acts)
    return Plan(action, "Heal it", "It was so.", incident.number, asset.uri, made, on_red, (asset.uri,), window=window)  # type: ignore[arg-type]


def _stage(made: Proposal, world: Light, names: set[str], asset: AssetRef) -> None:
    yen = Predicate((("currency", "=", "JPY"),))
    hold = f"quarantine.{asset.name.replace('.', '_')}_{made.incident.number}"
    changes: dict[str, Change] = {
        "lake": QuarantineRows(asset, yen, hold),
        "code": ApplyPatch(_patch(world), "Select the next"),
    }
    for name in sorted(names):
        provider = connector(Connection.objects.get(name=name))
        assets = [asset] if name == "lake" else []
        made.base[name] = dict(provider.heads(assets))
        branch = provider.apply(provider.fork(f"cs-{made.incident.number}-{world.number}", assets), changes[name])
        made.branches.append(as_json(branch))


def _patch(world: Light) -> str:
    now = int(world.code.read_file("a.sql").split()[-1])
    return PATCH.format(now, now + 1)


def _verify(made: Proposal) -> None:
    report = Report.objects.create(proposal=made, green=True, verifier="tests")
    report.sha256 = fingerprint.report_digest(report)
    report.save()
    made.save()
    Proposal.objects.filter(pk=made.pk).update(requested_at=Now(), expires_at=Now() + timedelta(hours=1))
    made.refresh_from_db()
    made.policy = {**policy.requirement(made), "also": named(Plan.from_json(made.plan))}
    made.save()
    made.bound = fingerprint.bind(made)
    made.fingerprint = fingerprint.fingerprint_of(made.bound)
    made.save()


def approve(made: Proposal, by: Any, **more: Any) -> Execution:
    decide(made, "approve", fingerprint=made.fingerprint, by=by, actor=Actor.of(by), source=API, **more)
    made.refresh_from_db()
    return made.executions.get(direction="forward")
