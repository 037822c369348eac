"""A small world to diagnose: a job in a repository, and runs as doors would report them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from incidents.models import Asset, AssetEdge, Incident, Run, RunResult
from integrations.models import Connection
from tests import factories

SPACE = {"lake": "iceberg://lake", "engine": "duckdb://warehouse", "dbt": "dbt://shop", "jobs": "jobs://ingest"}


def git(folder: Path, *args: str) -> str:
    who = {f"GIT_{role}_{part}": "Ada" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **who}
    done = subprocess.run(
        ["git", "-C", str(folder), *args], check=True, capture_output=True, text=True, env=environment
    )
    return done.stdout.strip()


@dataclass
class World:
    folder: Path
    connection: Connection = field(init=False)
    repository: Path = field(init=False)

    def __post_init__(self) -> None:
        self.repository = self.folder / "repository"
        self.repository.mkdir()
        git(self.repository, "init", "-q", "-b", "main")
        config = {"namespace": "git://code", "path": str(self.repository), "branch": "main"}
        Connection.objects.create(name="code", kind="git", config=config)
        memory = {"memory_limit": {"kind": "bytes", "now": "1GB", "max": "2GB"}}
        dbt = {"namespace": SPACE["dbt"], "git": "code", "parameters": memory}
        self.connection = Connection.objects.create(name="shop", kind="dbt", config=dbt)

    def commit(self, subject: str, **files: str | None) -> str:
        """Files by name with `__` for the folder; None removes one."""
        for name, text in files.items():
            path = self.repository / f"{name.replace('__', '/')}.sql"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink() if text is None else path.write_text(text)
        git(self.repository, "add", "-A")
        git(self.repository, "commit", "-q", "--allow-empty", "-m", subject)
        return git(self.repository, "rev-parse", "HEAD")

    def asset(self, space: str, name: str, *upstream: Asset, **fields: Any) -> Asset:
        made = factories.asset(name, SPACE[space], **fields)
        for above in upstream:
            AssetEdge.objects.get_or_create(upstream=above, downstream=made)
        return made

    def run(self, job: Asset, status: str = "success", *, hours_ago: float = 24, **fields: Any) -> Run:
        at = timezone.now() - timedelta(hours=hours_ago)
        number = Run.objects.count()
        return Run.objects.create(
            connection=self.connection, external_id=f"run-{number}", job=job, status=status, started_at=at,
            finished_at=at + timedelta(minutes=3), **fields,
        )  # fmt: skip

    def failure(
        self, asset: Asset, message: str, *, job: Asset, node: str = "", kind: str = "model", **fields: Any
    ) -> Incident:
        """A failed run just now, and the incident that it opened."""
        run = self.run(job, "failed", hours_ago=0.1, **{"error": message, "log": message, **fields})
        RunResult.objects.create(run=run, asset=asset, node=node, kind=kind, status="failed", message=message)
        return factories.incident(root_asset=asset, connection=self.connection, run=run)
