"""One daily run, as the shop's own scheduler does it: the jobs of pipeline.toml, then `dbt build`, each reported.

It plays the user's side: nothing here knows what Countersign does with the reports.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx

from integrations.demo import build, repository, tables
from integrations.demo.lakehouse import Lakehouse
from integrations.demo.reporting import Attempt, Door, dataset, run_event

log = logging.getLogger(__name__)

AT_ONCE = 3  # jobs that run side by side; they write different tables
JOB_LIMIT_S, DBT_LIMIT_S = 300, 600  # far above a few seconds, for a machine that is busy
SCHEDULED = time(6, 15, tzinfo=UTC)


@dataclass(frozen=True)
class DailyRun:
    """What one daily run did: `jobs` by return code; `build` is dbt's (0 good, 1 failures, 2 nothing ran)."""

    date: date
    folder: Path
    jobs: dict[str, int]
    build: int

    @property
    def ok(self) -> bool:
        return self.build == 0 and not any(self.jobs.values())

    def log(self, job: str) -> str:
        return (self.folder / "jobs" / f"{job}.log").read_text()

    @property
    def build_log(self) -> str:
        return (self.folder / "dbt" / "dbt.log").read_text()


@dataclass(frozen=True)
class Shift:
    """One day's work in progress: where it runs, of what commit, and whom it tells."""

    lakehouse: Lakehouse
    date: date
    folder: Path
    code: Path
    commit: str
    door: Door | None

    def manifest(self) -> dict[str, Any]:
        return tomllib.loads((self.code / "pipeline.toml").read_text())


def next_day(lakehouse: Lakehouse) -> date:
    """The day after the last one that ran."""
    return max(date.fromisoformat(folder.name) for folder in lakehouse.runs.iterdir()) + timedelta(days=1)


def daily_run(
    lakehouse: Lakehouse,
    *,
    door: Door | None = None,
    prepare: Callable[[Lakehouse, date], object] = build.happen,
    between: Callable[[Shift], object] = lambda shift: None,
) -> DailyRun:
    """Run the day after the last: `prepare` is what the business does first, `between` happens before `dbt build`.

    A failed job does not stop dbt, which builds on what is there. Takes about 15 s.
    """
    when, commit = next_day(lakehouse), repository.head(lakehouse.repo)
    folder = lakehouse.runs / when.isoformat()
    (folder / "jobs").mkdir(parents=True)
    prepare(lakehouse, when)
    with repository.worktree(lakehouse.repo, folder / "code", commit) as code:
        shift = Shift(lakehouse, when, folder, code, commit, door)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            codes = dict(pool.map(lambda name: (name, run_job(shift, name)), shift.manifest()["jobs"]))
        between(shift)
        result = run_dbt(shift)
    record = {"run_id": when.isoformat(), "date": when.isoformat(), "commit": commit, "return_code": result}
    (folder / "run.json").write_text(json.dumps({**record, "jobs": codes}))
    return DailyRun(when, folder, codes, result)


def run_job(shift: Shift, name: str, *, again: str = "") -> int:
    """Run one job of the manifest and report it. `again` names a second run of the same day, with a key of its own."""
    manifest = shift.manifest()
    job, key = manifest["jobs"][name], f"{name}-{shift.date.isoformat()}{again}"
    told = (shift.lakehouse, name, manifest, key, shift.date, shift.commit)
    tell(shift, run_event(attempt(*told), "START", datetime.now(UTC)))
    own = {"CRM_DSN": shift.lakehouse.crm_dsn, "RUN_KEY": key, "RUN_DATE": shift.date.isoformat()}
    command = [sys.executable if part == "python" else part for part in job["command"]]
    done = subprocess.run(
        command, cwd=shift.code, env={**shift.lakehouse.environment(), **own}, timeout=JOB_LIMIT_S,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    (shift.folder / "jobs" / f"{name}{again}.log").write_text(done.stdout)
    last = (done.stdout.strip().splitlines() or [""])[-1]
    kind = "FAIL" if done.returncode else "COMPLETE"
    tell(shift, run_event(attempt(*told), kind, datetime.now(UTC), error=last, log=done.stdout))
    return done.returncode


def run_dbt(shift: Shift) -> int:
    """`dbt build` of production into a target folder of its own; its artifacts are uploaded."""
    target, project, started = shift.folder / "dbt", shift.code / "dbt", datetime.now(UTC)
    target.mkdir()
    command = [
        str(Path(sys.executable).parent / "dbt"), "--log-format", "json", "--no-use-colors", "build",
        "--target", "prod", "--project-dir", str(project), "--profiles-dir", str(project),
        "--target-path", str(target), "--log-path", str(target), "--log-level-file", "none",
    ]  # fmt: skip
    with (target / "dbt.log").open("w") as output:
        done = subprocess.run(
            command, cwd=project, env=shift.lakehouse.environment(), timeout=DBT_LIMIT_S,
            stdout=output, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if shift.door:
        facts = {"environment": "production", "commit": shift.commit, "run_id": shift.date.isoformat()}
        times = {"started_at": started.isoformat(), "finished_at": datetime.now(UTC).isoformat()}
        try:
            shift.door.artifacts({**facts, **times, "return_code": str(done.returncode)}, target)
        except httpx.HTTPError as error:
            log.warning("The artifacts of dbt were not taken: %s", error)
    return done.returncode


def attempt(lakehouse: Lakehouse, name: str, manifest: dict[str, Any], key: str, when: date, commit: str) -> Attempt:
    """What can be told of a job of `manifest` now: its owner, what it reads, and its tables as they are."""
    job, owners = manifest["jobs"][name], manifest.get("assets", {})
    inputs = tuple(dataset(uri, (), owners.get(uri, {}).get("owner", {})) for uri in job["inputs"])
    outputs = tuple(_output(lakehouse, table, job["owner"]) for table in job["outputs"])
    nominal = datetime.combine(when, SCHEDULED)
    return Attempt(name, key, nominal, commit, job["command"][1], job["owner"], inputs, outputs)


def _output(lakehouse: Lakehouse, table: str, owner: dict[str, str]) -> dict[str, Any]:
    columns = tuple((column.name, column.type) for column in tables.columns(lakehouse.catalog, table))
    return dataset(table, columns, owner, tables.head(lakehouse.catalog, table))


def tell(shift: Shift, event: dict[str, Any]) -> None:
    """The pipeline goes on when nobody listens, as it does with the standard client."""
    if shift.door:
        try:
            shift.door.event(event)
        except httpx.HTTPError as error:
            log.warning("A lineage event was not taken: %s", error)
