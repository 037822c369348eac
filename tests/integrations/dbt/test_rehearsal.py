"""Rehearsals of a real dbt project: on a copy, from a commit, with pins and parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from integrations.effects import ApplyPatch, RunRequest
from integrations.errors import Refused, Unsupported
from integrations.ports import Wiring
from integrations.values import AssetRef
from tests.contracts.pipelines import FILES, Pipeline, dbt_pipeline
from tests.contracts.worlds import git

STAGED = AssetRef("duckdb://warehouse", "main.stg_orders")
REVENUE = AssetRef("duckdb://warehouse", "main.revenue")
PATCH = """--- a/dbt/models/revenue.sql
+++ b/dbt/models/revenue.sql
@@ -1 +1 @@
-select count(*) as orders, sum(amount) as amount from {{ ref('stg_orders') }}
+select count(*) as orders, sum(amount) * 2 as amount from {{ ref('stg_orders') }}
"""


THREADS = {"threads": {"kind": "count", "env": "SHOP_THREADS", "now": "1"}}


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was built: dbt takes seconds, a copy of what it built none."""
    home = tmp_path_factory.mktemp("once")
    pipeline = dbt_pipeline(home)
    assert pipeline.runner.run(pipeline.good).ok
    return home


@pytest.fixture
def built(tmp_path: Path, once: Path) -> Pipeline:
    return dbt_pipeline(tmp_path, like=once, parameters=THREADS)


def test_a_rehearsal_builds_into_a_copy_and_can_be_compared(built: Pipeline) -> None:
    code, warehouse = built.peers["code"], built.peers["warehouse"]
    before, commit = warehouse.digest(), code.head()
    branch = code.apply(code.fork("inc-1", []), ApplyPatch(PATCH, "Double it"))
    request = RunRequest("stage-1", "staging", select=(REVENUE,), commit=branch.head["commit"])
    outcome = built.runner.run(request)
    assert outcome.ok and outcome.receipt is None and outcome.report.environment == "staging"
    models = [result.node for result in outcome.report.results if result.kind == "model"]
    assert models == ["model.shop.stg_orders", "model.shop.revenue"]  # what it is built from comes along
    diff = warehouse.compare(REVENUE, "", outcome.versions[REVENUE.uri])
    assert (diff.added, diff.removed) == (1, 1)
    assert warehouse.digest() == before and code.head() == commit


def test_a_selected_asset_is_rebuilt_with_everything_downstream(built: Pipeline) -> None:
    outcome = built.runner.run(RunRequest("stage-1", "staging", select=(STAGED,)))
    assert outcome.report.outputs == (STAGED, REVENUE)


def test_an_asset_that_the_project_no_longer_has_makes_it_build_everything(built: Pipeline) -> None:
    gone = AssetRef("duckdb://warehouse", "main.no_such_model")
    outcome = built.runner.run(RunRequest("stage-1", "staging", select=(gone,)))
    assert outcome.ok and outcome.report.outputs == (STAGED, REVENUE)


def test_the_working_copy_is_never_run(built: Pipeline) -> None:
    (built.folder / "dbt/models/revenue.sql").write_text("this is not sql")
    assert built.runner.run(RunRequest("again", "production")).ok


def test_pins_and_parameters_reach_the_project(built: Pipeline) -> None:
    model = "select '{{ env_var('SNAPSHOT_RAW_ORDERS', 'head') }}' as pin, '{{ env_var('SHOP_THREADS') }}' as threads\n"
    (built.folder / "dbt/models/revenue.sql").write_text(model)
    git(built.folder, "commit", "--quiet", "-am", "Show the environment")
    request = RunRequest("p-1", "staging", pins={"iceberg://lake/raw.orders": "42"}, parameters={"threads": "3"})
    outcome = built.runner.run(request)
    columns = built.peers["warehouse"].profile(REVENUE, outcome.versions[REVENUE.uri]).columns
    assert columns["pin"]["categories"] == {"42": 1.0} and columns["threads"]["categories"] == {"3": 1.0}


def test_a_parameter_that_nobody_declared_is_refused(built: Pipeline) -> None:
    with pytest.raises(Refused, match="threads"):
        built.runner.run(RunRequest("p-1", "staging", parameters={"PATH": "/tmp"}))  # noqa: S108


def test_a_run_that_takes_too_long_is_ended(built: Pipeline) -> None:
    outcome = built.runner.run(RunRequest("slow-1", "staging", timeout_s=1))
    assert not outcome.ok and outcome.report.status == "aborted"
    assert "longer than it may" in outcome.report.log


def without_engine(built: Pipeline) -> Pipeline:
    wiring: Wiring = built.peers["dbt"].wiring
    config = {key: value for key, value in wiring.config.items() if key != "engine"}
    return replace(built, runner=type(built.peers["dbt"])(replace(wiring, config=config)))


def test_without_a_staging_target_the_commands_for_a_person_are_given(built: Pipeline) -> None:
    with pytest.raises(Unsupported, match=r"dbt build --target .* --select"):
        without_engine(built).runner.run(RunRequest("s-1", "staging", select=(AssetRef("dbt://shop", "main.revenue"),)))


def test_a_project_of_an_unknown_warehouse_is_rehearsed_on_its_staging_target(built: Pipeline, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.duckdb"
    staging = f"    staging: {{type: duckdb, path: '{elsewhere}', schema: main, threads: 1}}\n"
    (built.folder / "dbt/profiles.yml").write_text(FILES["dbt/profiles.yml"] + staging)
    (built.folder / "dbt/models/stg_orders.sql").write_text("select 1 as order_id, 2 as amount\n")
    git(built.folder, "commit", "--quiet", "-am", "Add a staging target")
    before = built.peers["warehouse"].digest()
    outcome = without_engine(built).runner.run(RunRequest("s-1", "staging"))
    assert outcome.ok, outcome.report.log
    assert elsewhere.exists() and built.peers["warehouse"].digest() == before
