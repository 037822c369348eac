"""What every runner of pipelines promises, tried on each that there is, with real processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integrations.effects import Receipt, RunOutcome
from integrations.errors import BaseMoved, Unreachable
from integrations.ports import PipelineRunner
from integrations.scripts.runs import RunFolder
from integrations.values import as_json, from_json
from tests.contracts.pipelines import Pipeline, dbt_pipeline, scripts_pipeline


@pytest.fixture(params=[dbt_pipeline, scripts_pipeline], ids=["dbt", "scripts"])
def pipeline(request: pytest.FixtureRequest, tmp_path: Path) -> Pipeline:
    made: Pipeline = request.param(tmp_path)
    return made


def kept(receipt: Receipt | None) -> Receipt:
    assert receipt is not None
    return from_json(Receipt, json.loads(json.dumps(as_json(receipt))))


def test_it_is_a_runner(pipeline: Pipeline) -> None:
    assert isinstance(pipeline.runner, PipelineRunner)


def test_a_good_run_changes_production_and_says_what_it_did(pipeline: Pipeline) -> None:
    before = pipeline.content()
    outcome = pipeline.runner.run(pipeline.good)
    assert outcome.ok and outcome.report.status == "success", outcome.report.log
    assert pipeline.content() != before
    assert {result.status for result in outcome.report.results} == {"success"}
    assert outcome.report.commit == pipeline.peers["code"].head()
    assert outcome.report.environment == "production" and outcome.report.log


def test_a_run_under_the_same_key_never_runs_again(pipeline: Pipeline) -> None:
    first = pipeline.runner.run(pipeline.good)
    pipeline.move()
    moved = pipeline.content()
    assert pipeline.runner.run(pipeline.good) == first
    assert pipeline.content() == moved


def test_lookup_knows_only_finished_runs(pipeline: Pipeline) -> None:
    assert pipeline.runner.lookup("good-1") is None
    outcome = pipeline.runner.run(pipeline.good)
    assert pipeline.runner.lookup("good-1") == outcome
    assert from_json(RunOutcome, json.loads(json.dumps(as_json(outcome), default=str))) == outcome


def test_a_run_that_goes_on_is_not_started_beside_it(pipeline: Pipeline) -> None:
    workspace: Path = pipeline.runner.wiring.workspace  # type: ignore[attr-defined]
    with RunFolder(workspace, "good-1").claimed(), pytest.raises(Unreachable):
        pipeline.runner.run(pipeline.good)


def test_a_failed_run_names_what_failed_and_in_which_words(pipeline: Pipeline) -> None:
    outcome = pipeline.runner.run(pipeline.bad())
    assert not outcome.ok and outcome.report.status == "failed"
    statuses = [result.status for result in outcome.report.results]
    assert "failed" in statuses and "skipped" in statuses
    assert "Error" in outcome.report.error


def test_a_run_is_taken_back(pipeline: Pipeline) -> None:
    before = pipeline.content()
    outcome = pipeline.runner.run(pipeline.good)
    pipeline.runner.revert(kept(outcome.receipt), key="revert-1")
    assert pipeline.content() == before
    pipeline.runner.revert(kept(outcome.receipt), key="revert-1")
    assert pipeline.content() == before


def test_a_run_is_not_taken_back_when_someone_wrote_after_it(pipeline: Pipeline) -> None:
    outcome = pipeline.runner.run(pipeline.good)
    pipeline.move()
    moved = pipeline.content()
    with pytest.raises(BaseMoved):
        pipeline.runner.revert(kept(outcome.receipt), key="revert-1")
    assert pipeline.content() == moved
