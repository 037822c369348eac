"""Where everything of one demo lakehouse is, and how Countersign connects to it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from integrations.demo import cluster
from integrations.demo.names import Names

MEMORY_VARIABLE = "DUCKDB_MEMORY_LIMIT"
MEMORY_MAX = "2GB"  # the largest that an operator may give the engine on this machine
Connected = tuple[str, str, dict[str, Any], dict[str, str]]  # name, kind, config, secrets


@dataclass(frozen=True)
class Lakehouse:
    """One lakehouse below `home`. The file `state.json` there holds it, passwords included, and is 0600."""

    home: Path
    # The date of the last day in the history; the next daily run is of the day after the last one that ran.
    today: date
    days: int
    orders_a_day: int
    seed: int
    # Superuser's address of the CRM's database, and that of the role that the pipeline logs in with.
    crm_admin_dsn: str
    crm_dsn: str
    crm_role: str
    rates_port: int
    names: Names = field(default_factory=Names)
    # Of the stand-in of a cluster, and the key that opens it; none in a lakehouse of an earlier version.
    cluster_port: int = 0
    cluster_key: str = ""

    repo = property(lambda self: self.home / "repo.git")
    lake = property(lambda self: self.home / "lake")
    catalog = property(lambda self: self.lake / "catalog.db")
    warehouse = property(lambda self: self.home / "warehouse.duckdb")
    landing = property(lambda self: self.home / "landing")
    runs = property(lambda self: self.home / "runs")
    # Settings of the user's scheduler, one KEY=VALUE a line: what an operator of the pipeline would edit.
    environment_file = property(lambda self: self.home / "environment.env")
    rates_state = property(lambda self: self.home / "rates.json")
    cluster_state = property(lambda self: self.home / "cluster.json")
    renames_file = property(lambda self: self.home / "renames.json")

    @property
    def rates_url(self) -> str:
        return f"http://127.0.0.1:{self.rates_port}"

    @property
    def cluster_host(self) -> str:
        return f"127.0.0.1:{self.cluster_port}"

    def environment(self) -> dict[str, str]:
        """What a process of the pipeline is given, without secrets and without this run's own key and date."""
        lines = self.environment_file.read_text().splitlines()
        settings = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        return {**base_environment(), **self.locations(), **settings}

    def renames(self) -> dict[str, str]:
        """Columns that the shop's exports call otherwise by now: old name to new."""
        return dict(json.loads(self.renames_file.read_text())) if self.renames_file.exists() else {}

    def locations(self) -> dict[str, str]:
        return {
            "LAKE_CATALOG_URI": f"sqlite:///{self.catalog}",
            "LAKE_WAREHOUSE": f"file://{self.lake}",
            "LANDING": str(self.landing),
            "RATES_URL": self.rates_url,
            "DUCKDB_PATH": str(self.warehouse),
        }

    def connections(self) -> list[Connected]:
        """(name, kind, config, secrets) of every connection, those that others name first."""
        places = self.locations()
        catalog = {"type": "sql", "uri": places["LAKE_CATALOG_URI"], "warehouse": places["LAKE_WAREHOUSE"]}
        shared = {"LAKE_CATALOG_URI": catalog["uri"], "LAKE_WAREHOUSE": catalog["warehouse"]}
        files = {"LANDING": places["LANDING"], "RATES_URL": places["RATES_URL"]}
        git = {"namespace": "git://pipeline", "path": str(self.repo), "branch": "main"}
        jobs = {
            "namespace": "jobs://ingest", "git": "pipeline", "lake": "lake", "manifest": "pipeline.toml",
            "environment": {**shared, **files}, "secrets": {"CRM_DSN": "dsn"},
        }  # fmt: skip
        limit = {"kind": "bytes", "env": MEMORY_VARIABLE, "now": self.memory_limit(), "max": MEMORY_MAX}
        dbt = {
            "namespace": "dbt://shop", "git": "pipeline", "project": "dbt", "engine": "warehouse",
            "sources": {"raw": "lake"}, "target": "prod", "staging_target": "staging",
            "parameters": {"memory_limit": limit}, "environment": {**shared, "DUCKDB_PATH": places["DUCKDB_PATH"]},
            "environment_file": str(self.environment_file),
        }  # fmt: skip
        return [
            ("pipeline", "git", git, {}),
            ("lake", "iceberg", {"namespace": "iceberg://lake", "catalog": catalog}, {}),
            ("warehouse", "duckdb", {"namespace": "duckdb://warehouse", "path": str(self.warehouse)}, {}),
            ("crm", "postgres", {"namespace": "postgres://crm"}, {"dsn": self.crm_dsn}),
            ("ingest", "scripts", jobs, {"dsn": self.crm_dsn}),
            ("ingest-lineage", "openlineage", {"namespace": "jobs://ingest"}, {}),
            ("shop", "dbt", dbt, {}),
            *self._cluster(),
        ]

    def _cluster(self) -> list[Connected]:
        config = {"namespace": cluster.SPACE, "url": f"http://{self.cluster_host}", "within": cluster.NAMESPACE}
        return [("cluster", "kubernetes", config, {"key": self.cluster_key})] if self.cluster_port else []

    def memory_limit(self) -> str:
        return self.environment()[MEMORY_VARIABLE]

    def save(self) -> None:
        """Written last when building: a home without it is half built."""
        values = {**asdict(self), "home": str(self.home), "today": self.today.isoformat()}
        target = self.home / "state.json"
        draft = target.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(values, indent=1))
        draft.replace(target)


def read(home: Path) -> Lakehouse | None:
    """The lakehouse below `home`; None when there is none, or only half of one."""
    state = home / "state.json"
    if not state.exists():
        return None
    values: Mapping[str, Any] = json.loads(state.read_text())
    known = {entry.name: values[entry.name] for entry in fields(Lakehouse) if entry.name in values}
    return Lakehouse(**{**known, "home": home, "today": date.fromisoformat(values["today"]),
                        "names": Names(values["names"]["words"])})  # fmt: skip


def base_environment() -> dict[str, str]:
    """The little that any child process needs; nothing else of ours is handed on."""
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    return {"PATH": path, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "HOME": os.environ.get("HOME", "/")}


def services(lakehouse: Lakehouse) -> dict[str, list[str]]:
    """How to start what the shop has beside its pipeline, by name; the launcher keeps it up beside its own children."""
    known = {"rates": ("rates_service", lakehouse.rates_port, lakehouse.rates_state)}
    if lakehouse.cluster_port:
        known["cluster"] = ("cluster", lakehouse.cluster_port, lakehouse.cluster_state)
    return {
        name: [sys.executable, "-m", f"integrations.demo.{module}", "--port", str(port), "--state", str(state)]
        for name, (module, port, state) in known.items()
    }
