"""Jobs of a pipeline.toml: their environment, their rehearsal, their end."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from integrations.effects import RunRequest
from integrations.errors import Refused, Unsupported
from integrations.scripts.manifest import read_manifest
from integrations.scripts.process import environment, run
from integrations.values import AssetRef
from tests.contracts.pipelines import Pipeline, scripts_pipeline

LOAD = AssetRef("jobs://ingest", "load")
ORDERS = AssetRef("iceberg://lake", "raw.orders")


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return scripts_pipeline(tmp_path)


def test_a_job_gets_what_is_configured_and_nothing_of_ours(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_SECRET_KEY", "ours")
    log = pipeline.runner.run(pipeline.good).report.log
    for name in ("RUN_KEY", "RUN_DATE", "LAKE_CATALOG_URI", "LAKE_WAREHOUSE", "CRM_DSN"):
        assert f"'{name}'" in log
    assert "COUNTERSIGN" not in log and "secret-dsn" not in log


def test_a_job_is_rehearsed_on_a_branch_of_the_lake(pipeline: Pipeline) -> None:
    lake, before = pipeline.peers["lake"], pipeline.content()
    lake.fork("inc-1", [ORDERS])
    request = RunRequest("stage-1", "staging", jobs=(LOAD,), parameters={"lake_branch": "inc-1"})
    outcome = pipeline.runner.run(request)
    assert outcome.ok and outcome.receipt is None
    assert pipeline.content() == before
    assert lake.profile(ORDERS, "inc-1").rows == 3


def test_a_job_that_would_write_to_production_is_not_rehearsed(pipeline: Pipeline) -> None:
    before = pipeline.content()
    for jobs, parameters in (((LOAD,), {}), ((AssetRef("jobs://ingest", "broken"),), {"lake_branch": "inc-1"})):
        with pytest.raises(Unsupported, match="production"):
            pipeline.runner.run(RunRequest("stage-1", "staging", jobs=jobs, parameters=parameters))
    assert pipeline.content() == before


def test_a_job_is_found_by_what_it_writes(pipeline: Pipeline) -> None:
    outcome = pipeline.runner.run(RunRequest("by-output", "production", select=(ORDERS,)))
    assert [result.node for result in outcome.report.results] == ["load"]


def test_a_crash_before_the_result_was_kept_does_not_load_twice(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.runner.run(pipeline.good)
    loaded = pipeline.content()
    (tmp_path / "work" / "jobs" / "runs" / "good-1" / "result.json").unlink()
    assert pipeline.runner.run(pipeline.good).ok
    assert pipeline.content() == loaded


def test_a_failure_says_the_last_words_of_the_job(pipeline: Pipeline) -> None:
    report = pipeline.runner.run(pipeline.bad()).report
    assert report.error == "ValueError: no such feed"
    assert [(result.node, result.status) for result in report.results] == [("broken", "failed"), ("load", "skipped")]


def test_a_job_that_takes_too_long_is_ended(pipeline: Pipeline) -> None:
    sleeper = replace(pipeline.good, key="slow", jobs=(AssetRef("jobs://ingest", "sleeper"),), timeout_s=2)
    report = pipeline.runner.run(sleeper).report
    assert "longer than it may" in report.error and "sleeping" in report.log


def test_what_a_job_leaves_behind_is_ended_with_it(tmp_path: Path) -> None:
    code = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid)"
    run(["python", "-c", code], folder=tmp_path, env=environment(tmp_path), log=tmp_path / "log", timeout_s=30)
    child = int((tmp_path / "log").read_text())
    deadline = time.monotonic() + 5
    while running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(child)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("name", ["PATH", "ld_preload", "pythonpath", "RUN_KEY", "a b", "home"])
def test_a_parameter_cannot_take_the_place_of_what_we_set(pipeline: Pipeline, name: str) -> None:
    with pytest.raises(Refused):
        pipeline.runner.run(replace(pipeline.good, parameters={name: "/tmp"}))  # noqa: S108


def test_lineage_leads_through_the_job(pipeline: Pipeline) -> None:
    facts = {fact.asset: fact for fact in pipeline.peers["jobs"].facts()}
    assert facts[ORDERS].upstream == (LOAD,)
    assert facts[LOAD].upstream == (AssetRef("postgres://crm", "public.deals"),)
    assert facts[LOAD].path == "load.py" and facts[LOAD].owner["email"] == "commerce@shop.example"


@pytest.mark.parametrize(
    "text", ["[jobs.a]\ncommand = 'rm -rf /'", "[jobs.a]\n", "jobs = 3", "[[[", "[jobs.a]\ncommand = []"]
)
def test_a_list_of_jobs_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        read_manifest(text, "iceberg://lake")


def test_an_unknown_job_is_refused_and_the_known_ones_are_named(pipeline: Pipeline) -> None:
    with pytest.raises(Refused, match="load"):
        pipeline.runner.run(replace(pipeline.good, jobs=(AssetRef("jobs://ingest", "nothing"),)))
