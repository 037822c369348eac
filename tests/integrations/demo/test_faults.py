"""Faults are real, and healing is complete. All nine are seen by the rules in tests/incidents, each in its own way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import duckdb
import pytest

from integrations.demo import faults, heal, known_good, lake
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


def test_the_unique_test_counts_duplicates_and_without_them_it_is_the_known_good_state(lakehouse: Lakehouse) -> None:
    table = f"raw.{lakehouse.names('orders')}"
    truth = faults.inject(lakehouse, "duplicate-load")
    assert f"FAIL 2500 source_unique_raw_{lakehouse.names('orders')}" in errors(truth)
    good, broken = known_good.known_good(lakehouse, "duplicate-load"), known_good.state(lakehouse)
    assert [key for key in good if "iceberg" in key and good[key] != broken[key]] == [f"iceberg://lake/{table}"]
    lake.tool(lakehouse, "dedupe", table, lakehouse.names("order_id"))
    mended = known_good.state(lakehouse)
    assert [key for key in good if "iceberg" in key and good[key] != mended[key]] == []


def test_the_overwritten_sheet_loads_well_and_brings_nothing_until_its_owner_puts_it_back(lakehouse: Lakehouse) -> None:
    truth = faults.inject(lakehouse, "overwritten-sheet")
    assert truth.run.ok
    missing = f"select count(*) from plan_vs_actual where plan_date = '{truth.date}'"
    assert query(lakehouse, missing) == [(0,)]
    table = f"iceberg://lake/raw.{lakehouse.names('planning_sheet')}"
    good = known_good.known_good(lakehouse, "overwritten-sheet")
    assert known_good.state(lakehouse)[table] != good[table]
    assert heal.heal(lakehouse) == "overwritten-sheet"
    assert known_good.state(lakehouse)[table] == good[table]


def test_a_held_file_cannot_be_opened_until_it_is_let_go(lakehouse: Lakehouse) -> None:
    truth = faults.inject(lakehouse, "lock-conflict")
    assert truth.run.build != 0
    assert "Could not set lock on file" in errors(truth)
    wait_for(lambda: lock_is_free(lakehouse), time.monotonic() + HELD_FOR_S + 60)


def test_twice_the_memory_is_enough_and_after_healing_the_next_day_is_healthy(lakehouse: Lakehouse) -> None:
    truth = faults.inject(lakehouse, "out-of-memory")
    assert "Out of Memory Error" in errors(truth)
    assert errors(truth).count("Failure in model") == 1
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
