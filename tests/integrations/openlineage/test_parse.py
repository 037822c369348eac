"""OpenLineage events as real senders write them, traps included."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integrations.openlineage.parse import fingerprint, parse
from integrations.values import AssetRef

PAYLOADS = Path(__file__).parent / "payloads"
CONFIG = {
    "namespace": "jobs://af",
    "aliases": {"duckdb:///srv/wh.duckdb": {"namespace": "duckdb://warehouse", "strip": "wh."}},
    "staging_prefixes": ["stg_run_"],
}


def payload(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    return loaded


def test_a_failed_task_has_its_error_its_parent_and_a_failed_assertion() -> None:
    (report,) = parse(payload("airflow_fail"), CONFIG)
    assert (report.status, report.job, report.environment) == ("failed", AssetRef("af", "nightly.load"), "production")
    assert report.error.startswith('column "amount" is of type bigint') and report.log.startswith("Traceback")
    assert report.parameters["parent_job"] == "nightly"
    assert report.finished_at is not None and report.started_at is None
    assert report.inputs == (AssetRef("duckdb://warehouse", "main.stg_orders"),)
    (result,) = report.results
    assert (result.status, result.failures, result.node) == ("failed", 5000, "not_null.customer_id")


def test_airflow_tells_the_version_of_its_dag_and_of_the_bundle() -> None:
    event = payload("airflow_fail")
    event["run"]["facets"]["airflow"] = {
        "dagRun": {"dag_version_number": 15, "dag_bundle_name": "dags-folder", "dag_bundle_version": "9f2c41d"}
    }
    (report,) = parse(event, CONFIG)
    told = {name: report.parameters[name] for name in ("dag_version", "dag_bundle", "dag_bundle_version")}
    assert told == {"dag_version": "15", "dag_bundle": "dags-folder", "dag_bundle_version": "9f2c41d"}


def test_a_test_job_of_dbt_ol_whose_tests_never_ran_is_no_failure() -> None:
    (report,) = parse(payload("dbt_ol_skipped_tests"), CONFIG)
    assert report.status == "aborted"
    assert [result.status for result in report.results] == ["skipped"]


def test_statements_dataset_events_and_job_events_are_left_unread() -> None:
    assert parse(payload("dbt_ol_sql_child"), CONFIG) == ()
    assert parse({"eventTime": "2026-05-22T02:30:00Z", "dataset": {"namespace": "a", "name": "b"}}, CONFIG) == ()
    assert parse({"eventTime": "2026-05-22T02:30:00Z", "job": {"namespace": "a", "name": "b"}}, CONFIG) == ()


def test_a_staging_schema_is_mapped_back_and_makes_the_run_a_rehearsal() -> None:
    event = payload("airflow_fail")
    event["inputs"] = []
    event["outputs"] = [{"namespace": "duckdb:///srv/wh.duckdb", "name": "WH.STG_RUN_main.Orders"}]
    (report,) = parse(event, CONFIG)
    assert (report.environment, report.outputs) == ("staging", (AssetRef("duckdb://warehouse", "main.orders"),))


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("postgres://reader:pa55@db:5432/", "postgres://db:5432"),
        ("snowflake://acc?private_key=x", "snowflake://acc"),
        ("jobs", "jobs"),
    ],
)
def test_credentials_are_stripped_from_namespaces(sent: str, read: str) -> None:
    event = payload("airflow_fail") | {"inputs": [], "outputs": [{"namespace": sent, "name": '"Raw"."Orders"'}]}
    (report,) = parse(event, CONFIG)
    assert report.outputs == (AssetRef(read, "Raw.Orders"),)
    assert "pa55" not in str(report)


@pytest.mark.parametrize(
    "hostile", [{"run": []}, {"run": {"runId": {}}}, {"job": "x"}, {"inputs": {"a": 1}}, {"eventTime": 9}]
)
def test_wrong_types_read_as_empty_and_never_raise(hostile: dict[str, Any]) -> None:
    event = payload("airflow_fail") | hostile
    parse(event, CONFIG)
    assert len(fingerprint(event)) == 64


def test_an_event_is_itself_by_run_type_time_and_job() -> None:
    event = payload("airflow_fail")
    assert fingerprint(event) == fingerprint(event | {"producer": "another", "inputs": []})
    for changed in ({"eventType": "COMPLETE"}, {"eventTime": "2026-05-22T02:31:01Z"}, {"run": {"runId": "x"}}):
        assert fingerprint(event) != fingerprint(event | changed)
