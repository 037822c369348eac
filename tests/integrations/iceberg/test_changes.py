"""Fixes of data on a branch: which rows go, which stay, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from integrations.effects import DedupeRows, QuarantineRows
from integrations.errors import Refused
from integrations.iceberg.connector import Connector
from integrations.ports import Wiring
from integrations.values import AssetRef, Predicate

ORDERS = AssetRef("iceberg://lake", "raw.orders")
YEN = Predicate((("currency", "=", "JPY"),))


def rows(start: int, count: int, currency: str | None = "EUR", loaded: str = "first") -> pa.Table:
    ids = list(range(start, start + count))
    day, amount = [date(2026, 11, 1)] * count, [float(i) for i in ids]
    texts = {"currency": pa.array([currency] * count, pa.string()), "loaded": pa.array([loaded] * count)}
    return pa.table({"order_id": ids, "amount": amount, "day": day, **texts})


@pytest.fixture
def lake(tmp_path: Path) -> Connector:
    catalog = {"type": "sql", "uri": f"sqlite:///{tmp_path}/catalog.db", "warehouse": f"file://{tmp_path}/lake"}
    connector = Connector(Wiring("lake", {"namespace": "iceberg://lake", "catalog": catalog}, str, str, tmp_path))
    connector.catalog.create_namespace("raw")
    table = connector.catalog.create_table("raw.orders", schema=rows(0, 1).schema)
    for part in (rows(0, 100), pa.concat_tables([rows(100, 50), rows(150, 10, "JPY"), rows(160, 3, None)])):
        table.append(part)
    return connector


def content(lake: Connector, branch: str = "main", name: str = "raw.orders") -> list[dict[str, Any]]:
    table = lake.catalog.load_table(name)
    found: list[dict[str, Any]] = table.scan().use_ref(branch).to_arrow().sort_by("order_id").to_pylist()
    return found


def test_quarantined_rows_leave_the_branch_and_are_held(lake: Connector) -> None:
    branch = lake.apply(lake.fork("inc-1", [ORDERS]), QuarantineRows(ORDERS, YEN, "quarantine.orders_inc_1"))
    assert [row["order_id"] for row in content(lake, name="quarantine.orders_inc_1")] == list(range(150, 160))
    left = content(lake, "inc-1")
    assert len(left) == 153 and all(row["currency"] != "JPY" for row in left)
    assert sum(row["currency"] is None for row in left) == 3
    assert branch.detail["holds"] == ["quarantine.orders_inc_1"] and branch.bytes_written > 0


def test_a_file_of_which_nothing_is_kept_costs_no_bytes(lake: Connector) -> None:
    lake.catalog.load_table("raw.orders").append(rows(100, 53, loaded="second"))
    branch = lake.apply(lake.fork("inc-1", [ORDERS]), DedupeRows(ORDERS, ("order_id",), ("currency", "loaded")))
    assert branch.bytes_written == 0


def test_a_quarantine_that_died_halfway_is_finished_and_holds_each_row_once(lake: Connector) -> None:
    change = QuarantineRows(ORDERS, YEN, "quarantine.orders_inc_1")
    lake.apply(lake.fork("inc-1", [ORDERS]), change)
    table = lake.catalog.load_table("raw.orders")
    base = table.metadata.refs["main"].snapshot_id
    table.manage_snapshots().create_branch(base, "inc-1").commit()  # as if it had died before the branch was moved
    lake.apply(lake.fork("inc-1", [ORDERS]), change)
    assert len(content(lake, name="quarantine.orders_inc_1")) == 10
    assert len(content(lake, "inc-1")) == 153


@pytest.mark.parametrize(
    "predicate",
    [
        Predicate(),
        Predicate((("currency", "=", None),)),
        Predicate((("currency", "in", []),)),
        Predicate((("1=1 or currency", "=", "JPY"),)),
        Predicate((("currency", "or", "JPY"),)),
        Predicate((("currency", "=", "XXX"),)),
    ],
)
def test_a_predicate_that_does_not_name_rows_is_refused(lake: Connector, predicate: Predicate) -> None:
    before, branch = content(lake), lake.fork("inc-1", [ORDERS])
    with pytest.raises(Refused):
        lake.apply(branch, QuarantineRows(ORDERS, predicate, "quarantine.orders_inc_1"))
    assert content(lake, "inc-1") == before


@pytest.mark.parametrize(
    ("conditions", "count"),
    [
        ((("currency", "is null", None),), 3),
        ((("currency", "in", ["JPY", "USD"]), ("order_id", ">=", 155)), 5),
        ((("amount", "<", 10),), 10),
        ((("day", "=", "2026-11-01"), ("currency", "=", "JPY")), 10),
    ],
)
def test_each_operator_selects_its_rows(lake: Connector, conditions: Any, count: int) -> None:
    lake.apply(lake.fork("inc-1", [ORDERS]), QuarantineRows(ORDERS, Predicate(conditions), "quarantine.held"))
    assert len(content(lake, name="quarantine.held")) == count
    assert len(content(lake, "inc-1")) == 163 - count


def test_rows_are_held_only_where_nothing_else_is(lake: Connector) -> None:
    branch = lake.fork("inc-1", [ORDERS])
    for hold in ("raw.orders", "quarantine.", "held", "other.held"):
        with pytest.raises(Refused):
            lake.apply(branch, QuarantineRows(ORDERS, YEN, hold))
    held = lake.apply(branch, QuarantineRows(ORDERS, YEN, "quarantine.held"))
    with pytest.raises(Refused):
        lake.apply(held, QuarantineRows(ORDERS, Predicate((("order_id", "<", 5),)), "quarantine.held"))


def test_rows_held_for_a_fix_that_was_not_published_are_let_go(lake: Connector) -> None:
    branch = lake.apply(lake.fork("inc-1", [ORDERS]), QuarantineRows(ORDERS, YEN, "quarantine.held"))
    lake.drop(branch)
    assert not lake.catalog.table_exists("quarantine.held")


def test_rows_held_for_a_published_fix_stay(lake: Connector) -> None:
    branch = lake.apply(lake.fork("inc-1", [ORDERS]), QuarantineRows(ORDERS, YEN, "quarantine.held"))
    lake.publish(branch, key="publish-1")
    lake.drop(branch)
    assert len(content(lake, name="quarantine.held")) == 10


def test_the_first_loaded_row_of_each_key_is_kept(lake: Connector) -> None:
    before = content(lake)
    twice = pa.concat_tables([rows(90, 20, loaded="second"), rows(500, 2, loaded="second")])
    lake.catalog.load_table("raw.orders").append(twice)
    branch = lake.apply(lake.fork("inc-1", [ORDERS]), DedupeRows(ORDERS, ("order_id",), ("loaded",)))
    assert [row for row in content(lake, "inc-1") if row["order_id"] < 500] == before
    diff = lake.diff(branch).tables[0]
    assert (diff.removed, diff.added, diff.changed, diff.same) == (20, 0, 0, 165)


def test_rows_of_one_key_that_differ_are_not_duplicates(lake: Connector) -> None:
    lake.catalog.load_table("raw.orders").append(rows(0, 5, currency="USD"))
    branch = lake.fork("inc-1", [ORDERS])
    with pytest.raises(Refused, match="currency"):
        lake.apply(branch, DedupeRows(ORDERS, ("order_id",)))
    assert len(content(lake, "inc-1")) == 168


def test_rows_without_a_key_are_never_duplicates(lake: Connector) -> None:
    branch = lake.fork("inc-1", [ORDERS])
    for key in ((), ("order_id",)):
        with pytest.raises(Refused):
            lake.apply(branch, DedupeRows(ORDERS, key))


def test_nothing_is_applied_to_a_branch_that_does_not_exist(lake: Connector) -> None:
    branch = replace(lake.fork("inc-1", [ORDERS]), name="inc-2")
    with pytest.raises(Refused):
        lake.apply(branch, QuarantineRows(ORDERS, YEN, "quarantine.held"))
    assert "inc-2" not in lake.catalog.load_table("raw.orders").metadata.refs
