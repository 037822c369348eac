"""A script: the runs of the past days, one after the other in this process. Started by `build` alone.

The jobs and the dbt project run from the checkout given, with the real ingest path; each day leaves a folder below
`runs` with `run.json`, `jobs.json` and dbt's artifacts. `dbtRunner` keeps the warehouse's lock until the process ends.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import shutil
import sys
import threading
import time
import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
from dbt.adapters.duckdb.plugins.iceberg import Plugin
from dbt.adapters.duckdb.utils import SourceConfig
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt.task import runnable
from pyarrow import parquet as pq
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from integrations.demo import rates_service

EVERY = 5  # days between two lines of progress


def main(task: dict[str, Any]) -> None:
    code, runs, days = Path(task["code"]), Path(task["runs"]), task["days"]
    sys.path.insert(0, str(code / "ingest"))
    service = rates_service.server(0, Path(task["rates_state"]))
    threading.Thread(target=service.serve_forever, daemon=True).start()
    os.environ["RATES_URL"] = f"http://127.0.0.1:{service.server_address[1]}"
    jobs = tomllib.loads((code / "pipeline.toml").read_text())["jobs"]
    _load_increments(Plugin)
    runner = _dbt(code, runs / days[0])
    for number, day in enumerate(days, start=1):
        folder = runs / day
        folder.mkdir(exist_ok=True)
        spans = {name: _job(code, name, job, day) for name, job in jobs.items()}
        started = time.time()
        _build(runner, code, folder, runs / days[0])
        run = {"run_id": f"{day}", "date": day, "commit": task["commit"], "return_code": 0}
        (folder / "run.json").write_text(json.dumps({**run, "jobs": spans, "seconds": time.time() - started}))
        if number % EVERY == 0 or number == len(days):
            _say(f"Ran {number} of {len(days)} past days")
    service.shutdown()


def _job(code: Path, name: str, job: dict[str, Any], day: str) -> dict[str, Any]:
    os.environ["RUN_DATE"], os.environ["RUN_KEY"] = day, f"{name}-{day}"
    started, log = time.time(), io.StringIO()
    with contextlib.redirect_stdout(log):
        runpy.run_path(str(code / job["command"][1]), run_name="__main__")
    return {"seconds": time.time() - started, "log": log.getvalue()}


def _dbt(code: Path, first: Path) -> dbtRunner:
    """A runner that parsed the project once."""
    first.mkdir(exist_ok=True)
    parsed = dbtRunner().invoke(["--quiet", "parse", *_options(code, first)])
    if not isinstance(parsed.result, Manifest):
        raise SystemExit(f"dbt parse failed: {parsed.exception}")
    manifest = first / "dbt" / "manifest.json"
    known = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**known, "macros": {}, "docs": {}}))  # because dbt's own macros are most of it
    runnable.write_manifest = _kept_as_it_is  # type: ignore[attr-defined]
    return dbtRunner(manifest=parsed.result)


def _kept_as_it_is(manifest: Manifest, target_path: str, which: str | None = None) -> None:
    """Every past day has the manifest of the first; writing it again each day takes a tenth of the time."""


def _build(runner: dbtRunner, code: Path, folder: Path, first: Path) -> None:
    done = runner.invoke(["--quiet", "build", "--target", "prod", *_options(code, folder)])
    if not done.success:
        raise SystemExit(f"dbt build of {folder.name} failed: {done.exception or done.result}")
    if folder != first:
        os.link(first / "dbt" / "manifest.json", folder / "dbt" / "manifest.json")
    for leftover in ("compiled", "run", "partial_parse.msgpack", "graph.gpickle", "graph_summary.json"):
        path = folder / "dbt" / leftover
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _load_increments(plugin: type[Plugin]) -> None:
    """Let the plugin read each snapshot's own rows once; it would read all the days before it, several times a day."""
    kept: dict[str, tuple[int, list[pa.Table]]] = {}

    def load(self: Plugin, source_config: SourceConfig) -> pa.Table:
        table = self._catalog.load_table(f"{source_config.schema}.{source_config.identifier}")
        known, parts = kept.get(source_config.identifier, (0, []))
        if (snapshot := table.current_snapshot()) is not None and snapshot.snapshot_id != known:
            parts = [*parts, *(pq.read_table(path) for path in _added(table, snapshot))]
            kept[source_config.identifier] = (snapshot.snapshot_id, parts)
        return pa.concat_tables(parts)

    plugin.load = load  # type: ignore[method-assign]


def _added(table: Table, snapshot: Snapshot) -> list[str]:
    own = [manifest for manifest in snapshot.manifests(table.io) if manifest.added_snapshot_id == snapshot.snapshot_id]
    entries = [entry for manifest in own for entry in manifest.fetch_manifest_entry(table.io)]
    return [entry.data_file.file_path.removeprefix("file://") for entry in entries]


def _options(code: Path, folder: Path) -> list[str]:
    project = ["--project-dir", str(code / "dbt"), "--profiles-dir", str(code / "dbt")]
    places = ["--target-path", str(folder / "dbt"), "--log-path", str(folder / "dbt")]
    return [*project, *places, "--log-level-file", "none"]


def _say(line: str) -> None:
    sys.stdout.write(f"progress: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
