"""One daily run, as the shop's own scheduler does it: the jobs of pipeline.toml, then `dbt build`, each reported.

It plays the user's side: nothing here knows what Countersign does with the reports.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from integrations.demo import build, repository, tables
from integrations.demo.lakehouse import Lakehouse
from integrations.demo.reporting import Attempt, Door, dataset, run_event

AT_ONCE = 3  # jobs that run side by side; they write different tables
JOB_LIMIT_S, DBT_LIMIT_S = 120, 300
SCHEDULED = time(6, 15, tzinfo=UTC)


@dataclass(frozen=True)
class DailyRun:
    """What one daily run did. `jobs` maps a job to its return code; `build` is dbt's (0 good, 1 failures, 2 nothing ran)."""

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
    record = {"run_id": when.isoformat(), "date": when.isoformat(), "commit": commit, "return_code": result, "jobs": codes}
    (folder / "run.json").write_text(json.dumps(record))
    return DailyRun(when, folder, codes, result)


def run_job(shift: Shift, name: str, *, again: str = "") -> int:
    """Run one job of the manifest and report it. `again` names a second run of the same day, with a key of its own."""
    manifest = shift.manifest()
    job, key = manifest["jobs"][name], f"{name}-{shift.date.isoformat()}{again}"
    attempt = _attempt(shift, name, manifest, key)
    _tell(shift, run_event(attempt, "START", datetime.now(UTC)))
    own = {"CRM_DSN": shift.lakehouse.crm_dsn, "RUN_KEY": key, "RUN_DATE": shift.date.isoformat()}
    command = [sys.executable if part == "python" else part for part in job["command"]]
    done = subprocess.run(
        command, cwd=shift.code, env={**shift.lakehouse.environment(), **own}, timeout=JOB_LIMIT_S,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    (shift.folder / "jobs" / f"{name}{again}.log").write_text(done.stdout)
    last = (done.stdout.strip().splitlines() or [""])[-1]
    finished = _attempt(shift, name, manifest, key)
    kind = "FAIL" if done.returncode else "COMPLETE"
    _tell(shift, run_event(finished, kind, datetime.now(UTC), error=last, log=done.stdout))
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
    with (target / "dbt.log").open("w") as log:
        done = subprocess.run(
            command, cwd=project, env=shift.lakehouse.environment(), timeout=DBT_LIMIT_S,
            stdout=log, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if shift.door:
        facts = {"environment": "production", "commit": shift.commit, "run_id": shift.date.isoformat()}
        times = {"started_at": started.isoformat(), "finished_at": datetime.now(UTC).isoformat()}
        shift.door.artifacts({**facts, **times, "return_code": str(done.returncode)}, target)
    return done.returncode


def _attempt(shift: Shift, name: str, manifest: dict[str, Any], key: str) -> Attempt:
    job, assets, catalog = manifest["jobs"][name], manifest.get("assets", {}), shift.lakehouse.catalog
    inputs = tuple(dataset(uri, (), assets.get(uri, {}).get("owner", {})) for uri in job["inputs"])
    outputs = tuple(
        dataset(
            table, tuple((c.name, c.type) for c in tables.columns(catalog, table)), job["owner"], tables.head(catalog, table)
        )
        for table in job["outputs"]
    )
    nominal = datetime.combine(shift.date, SCHEDULED)
    return Attempt(name, key, nominal, shift.commit, job["command"][1], job["owner"], inputs, outputs)


def _tell(shift: Shift, event: dict[str, Any]) -> None:
    if shift.door:
        shift.door.event(event)
