"""Each fault is real: seen in the run as it would be anywhere. tests/incidents has them with every name changed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import duckdb
import psycopg
import pytest

from integrations.demo import faults, heal, known_good, lake, repository, tables
from integrations.demo.breakage import HELD_FOR_S
from integrations.demo.build import MEMORY_LIMIT
from integrations.demo.faults import Truth
from integrations.demo.lakehouse import Lakehouse
from integrations.demo.scheduler import daily_run

pytestmark = pytest.mark.slow


def errors(truth: Truth) -> str:
    """What dbt complained of, in its own words."""
    lines = [json.loads(line)["info"] for line in truth.run.build_log.splitlines() if line.startswith("{")]
    return "\n".join(line["msg"] for line in lines if line["level"] == "error")


def query(lakehouse: Lakehouse, text: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(lakehouse.warehouse), read_only=True) as warehouse:
        return warehouse.execute(lakehouse.names.text(text)).fetchall()


def test_yen_make_revenue_jump_and_no_test_fails(lakehouse: Lakehouse) -> None:
    truth = faults.inject(lakehouse, "yen-beside-dollars")
    assert truth.run.ok
    usual, today = query(lakehouse, "select gross_usd from revenue_daily order by revenue_date desc limit 2")[::-1]
    assert today[0] > 5 * usual[0]  # type: ignore[operator]
    assert query(lakehouse, "select count(*) > 100 from raw.payments where currency = 'JPY'") == [(True,)]
    assert truth.root_asset.name == f"raw.{lakehouse.names('payments')}"


def test_a_batch_is_in_twice_and_the_unique_test_counts_it(lakehouse: Lakehouse) -> None:
    truth = faults.inject(lakehouse, "duplicate-load")
    assert truth.run.build == 1
    assert f"FAIL 2500 source_unique_raw_{lakehouse.names('orders')}" in errors(truth)


def test_duplicates_taken_out_are_the_known_good_state(lakehouse: Lakehouse) -> None:
    table = f"raw.{lakehouse.names('orders')}"
    if heal.broken(lakehouse) != "duplicate-load":
        faults.inject(lakehouse, "duplicate-load")
    good, broken = known_good.known_good(lakehouse, "duplicate-load"), known_good.state(lakehouse)
    assert [key for key in good if "iceberg" in key and good[key] != broken[key]] == [f"iceberg://lake/{table}"]
    lake.tool(lakehouse, "dedupe", table, lakehouse.names("order_id"))
    mended = known_good.state(lakehouse)
    assert [key for key in good if "iceberg" in key and good[key] != mended[key]] == []


def test_a_renamed_column_is_missed_and_its_new_name_is_a_candidate(lakehouse: Lakehouse) -> None:
    truth = faults.inject(lakehouse, "column-renamed-upstream")
    old, new = lakehouse.names("customer_id"), lakehouse.names("customer_ref")
    assert f'Referenced column "{old}" not found' in errors(truth)
    assert f'"{new}"' in errors(truth).split("Candidate bindings:")[1]
    assert new in [column.name for column in tables.columns(lakehouse.catalog, truth.root_asset.name)]


def test_a_bad_merge_breaks_one_model_by_a_commit(lakehouse: Lakehouse) -> None:
    truth = faults.inject(lakehouse, "bad-merge")
    assert "Parser Error: syntax error" in errors(truth)
    assert f"Failure in model {truth.root_asset.name.removeprefix('main.')} " in errors(truth)
    changed = repository.git(lakehouse.repo, "diff", "--name-only", truth.commit_before, truth.commit_after).split()
    assert len(changed) == 2


def test_a_missing_reference_leaves_no_artifacts_but_the_log(lakehouse: Lakehouse) -> None:
    truth = faults.inject(lakehouse, "missing-ref")
    assert truth.run.build == 2
    assert f"depends on a node named '{lakehouse.names('int_customer_orders')}' which was not found" in errors(truth)
    assert not (truth.run.folder / "dbt" / "run_results.json").exists()


def test_memory_runs_out_in_one_model(lakehouse: Lakehouse) -> None:
    truth = faults.inject(lakehouse, "out-of-memory")
    assert "Out of Memory Error" in errors(truth)
    assert errors(truth).count("Failure in model") == 1


def test_a_revoked_right_refuses_the_job_and_nothing_else(lakehouse: Lakehouse) -> None:
    truth = faults.inject(lakehouse, "permission-revoked")
    job = lakehouse.names("ingest_deals")
    assert [name for name, code in truth.run.jobs.items() if code] == [job]
    assert f"permission denied for table {lakehouse.names('deals')}" in truth.run.log(job)
    assert truth.run.build == 0
    with psycopg.connect(lakehouse.crm_dsn) as crm, pytest.raises(psycopg.errors.InsufficientPrivilege):
        crm.execute(f"select 1 from public.{lakehouse.names('deals')}".encode())


def test_a_closed_service_names_when_it_opens_and_the_job_then_passes(lakehouse: Lakehouse) -> None:
    truth = faults.inject(lakehouse, "flaky-api")
    job = lakehouse.names("ingest_rates")
    assert truth.run.jobs[job] != 0
    last = truth.run.log(job).strip().splitlines()[-1]
    assert "HTTP 503 Service Unavailable; Retry-After: " in last
    assert "opens at 20" in last


def test_a_held_file_cannot_be_opened_until_it_is_let_go(lakehouse: Lakehouse) -> None:
    truth = faults.inject(lakehouse, "lock-conflict")
    assert truth.run.build != 0
    assert "Could not set lock on file" in errors(truth)
    wait_for(lambda: lock_is_free(lakehouse), time.monotonic() + HELD_FOR_S + 60)


def test_twice_the_memory_is_enough_and_after_healing_the_next_day_is_healthy(lakehouse: Lakehouse) -> None:
    faults.inject(lakehouse, "out-of-memory")
    assert heal.heal(lakehouse) == "out-of-memory"
    assert heal.broken(lakehouse) == ""
    heal.set_memory(lakehouse, "224MB")
    run = daily_run(lakehouse)
    heal.set_memory(lakehouse, MEMORY_LIMIT)
    assert run.ok, run.build_log


def lock_is_free(lakehouse: Lakehouse) -> bool:
    try:
        duckdb.connect(str(lakehouse.warehouse), read_only=True).close()
    except duckdb.IOException:
        return False
    return True


def wait_for(held: Callable[[], bool], deadline: float) -> None:
    while not held():
        assert time.monotonic() < deadline
        time.sleep(0.5)
