"""Tiny real pipelines: a dbt project on a DuckDB file, and scripts that write to a lake."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from integrations.dbt.connector import Connector as Dbt
from integrations.duckdb.connector import Connector as DuckDB
from integrations.effects import RunRequest
from integrations.git.connector import Connector as Git
from integrations.iceberg.connector import Connector as Iceberg
from integrations.ports import PipelineRunner, Wiring
from integrations.scripts.connector import Connector as Scripts
from integrations.values import AssetRef
from tests.contracts.worlds import git, repository

PROFILE = """shop:
  target: prod
  outputs:
    prod: {type: duckdb, path: "{{ env_var('DUCKDB_PATH') }}", schema: main, threads: 1}
"""
PROJECT = "name: shop\nversion: '1.0'\nprofile: shop\nconfig-version: 2\nmodels:\n  shop: {+materialized: table}\n"
MODELS = """version: 2
sources:
  - name: raw
    tables:
      - name: orders
        config: {meta: {owner: {name: Commerce, email: commerce@shop.example}}}
models:
  - name: stg_orders
    columns: [{name: order_id, data_type: bigint, data_tests: [unique]}]
  - name: revenue
exposures:
  - {name: board, type: dashboard, owner: {name: Finance, email: finance@shop.example}, depends_on: [ref('revenue')]}
"""
FILES = {
    "dbt/dbt_project.yml": PROJECT,
    "dbt/profiles.yml": PROFILE,
    "dbt/models/models.yml": MODELS,
    "dbt/models/stg_orders.sql": "select order_id, amount from {{ source('raw', 'orders') }}\n",
    "dbt/models/revenue.sql": "select count(*) as orders, sum(amount) as amount from {{ ref('stg_orders') }}\n",
}
SCRIPT = """import os, sys
from pyiceberg.catalog import load_catalog
import pyarrow as pa
catalog = load_catalog("lake", type="sql", uri=os.environ["LAKE_CATALOG_URI"], warehouse=os.environ["LAKE_WAREHOUSE"])
table = catalog.load_table("raw.orders")
if any(s.summary.additional_properties.get("run-key") == os.environ["RUN_KEY"] for s in table.snapshots()):
    sys.exit(0)
if os.environ.get("FAIL"):
    sys.exit("ValueError: the feed is broken")
table.append(pa.table({"order_id": [3], "amount": [5]}), snapshot_properties={"run-key": os.environ["RUN_KEY"]},
             branch=os.environ.get("LAKE_BRANCH") or "main")
print("loaded", sorted(os.environ))
"""
JOBS = """[jobs.load]
command = ["python", "load.py"]
inputs = ["postgres://crm/public.deals"]
outputs = ["raw.orders"]
owner = {name = "Commerce", email = "commerce@shop.example"}
schedule = "daily 06:15"
staging = true
[jobs.sleeper]
command = ["python", "-c", "import time; print('sleeping', flush=True); time.sleep(60)"]
[jobs.broken]
command = ["python", "-c", "raise SystemExit('ValueError: no such feed')"]
"""


@dataclass(frozen=True)
class Pipeline:
    runner: PipelineRunner
    # A run of production that changes something, and one that fails.
    good: RunRequest
    bad: Callable[[], RunRequest]
    content: Callable[[], Any]
    move: Callable[[], None]
    peers: dict[str, Any]
    folder: Path


def dbt_pipeline(tmp_path: Path, *, like: Path | None = None, **config: Any) -> Pipeline:
    """From nothing, or with the repository and the warehouse of another one, below `like`, as it is now."""
    folder, warehouse = tmp_path / "repository", tmp_path / "warehouse.duckdb"

    def sql(statement: str) -> list[Any]:
        with duckdb.connect(str(warehouse)) as connection:
            return connection.execute(statement).fetchall()

    if like:
        shutil.copytree(like / folder.name, folder)
        shutil.copy(like / warehouse.name, warehouse)
    else:
        repository(tmp_path, FILES)
        sql("CREATE SCHEMA raw")
        sql("CREATE TABLE raw.orders AS SELECT * FROM (VALUES (1, 10), (2, 20)) AS t(order_id, amount)")
    peers: dict[str, Any] = {}
    given = {"namespace": "dbt://shop", "git": "code", "project": "dbt", "engine": "warehouse"} | config
    made = {
        "code": (Git, {"namespace": "git://code", "path": str(folder)}),
        "warehouse": (DuckDB, {"namespace": "duckdb://warehouse", "path": str(warehouse)}),
        "dbt": (Dbt, given),
    }
    for name, (kind, settings) in made.items():
        peers[name] = kind(Wiring(name, settings, lambda secret: "", peers.__getitem__, _home(tmp_path, name)))

    def bad() -> RunRequest:
        (folder / "dbt/models/stg_orders.sql").write_text(
            "select order_id, amout as amount from {{ source('raw', 'orders') }}\n"
        )
        git(folder, "commit", "--quiet", "-am", "Break it")
        return RunRequest("bad-1", "production")

    return Pipeline(
        peers["dbt"],
        RunRequest("good-1", "production"),
        bad,
        lambda: sql("SELECT table_schema, table_name FROM information_schema.tables ORDER BY ALL"),
        lambda: sql("INSERT INTO raw.orders VALUES (99, 1)") and None,
        peers,
        folder,
    )


def scripts_pipeline(tmp_path: Path) -> Pipeline:
    folder = repository(tmp_path, {"load.py": SCRIPT, "pipeline.toml": JOBS})
    catalog = {"type": "sql", "uri": f"sqlite:///{tmp_path}/catalog.db", "warehouse": f"file://{tmp_path}/lake"}
    peers: dict[str, Any] = {}
    made = {
        "code": (Git, {"namespace": "git://code", "path": str(folder)}),
        "lake": (Iceberg, {"namespace": "iceberg://lake", "catalog": catalog}),
        "jobs": (Scripts, {"namespace": "jobs://ingest", "git": "code", "lake": "lake", "secrets": {"CRM_DSN": "dsn"}}),
    }
    for name, (kind, settings) in made.items():
        peers[name] = kind(
            Wiring(name, settings, lambda secret: f"secret-{secret}", peers.__getitem__, _home(tmp_path, name))
        )
    peers["lake"].catalog.create_namespace("raw")
    table = peers["lake"].catalog.create_table("raw.orders", schema=_arrow().schema)
    table.append(_arrow())
    return Pipeline(
        peers["jobs"],
        RunRequest("good-1", "production", jobs=(AssetRef("jobs://ingest", "load"),)),
        lambda: RunRequest(
            "bad-1", "production", jobs=tuple(AssetRef("jobs://ingest", name) for name in ("broken", "load"))
        ),
        lambda: peers["lake"].catalog.load_table("raw.orders").scan().to_arrow().sort_by("order_id").to_pylist(),
        lambda: peers["lake"].catalog.load_table("raw.orders").append(_arrow()),
        peers,
        folder,
    )


def _arrow() -> Any:
    return pa.table({"order_id": [1, 2], "amount": [10, 20]})


def _home(tmp_path: Path, name: str) -> Path:
    home = tmp_path / "work" / name
    home.mkdir(parents=True)
    return home
