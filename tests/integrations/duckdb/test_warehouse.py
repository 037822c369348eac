"""A warehouse file is read while others write it, compared, and put back whole."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from integrations.duckdb.connector import Connector
from integrations.effects import Receipt
from integrations.errors import BaseMoved, Refused, Unreachable
from integrations.ports import Wiring
from integrations.values import AssetRef, Predicate

DAILY = AssetRef("duckdb://warehouse", "main.daily")
VIEW = AssetRef("duckdb://warehouse", "main.shown")
HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.readline()"


def sql(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def warehouse(tmp_path: Path) -> Connector:
    path = tmp_path / "warehouse.duckdb"
    sql(
        path,
        "CREATE TABLE daily AS SELECT DATE '2026-11-01' + i::INT AS day, i * 100.5 AS revenue, i % 2 = 0 AS even, "
        "'u' || i || '@shop.example' AS contact, 'EUR' AS currency FROM range(30) AS t(i)",
        'CREATE VIEW shown AS SELECT * FROM "warehouse"."main"."daily"',
    )
    config = {"namespace": "duckdb://warehouse", "path": str(path)}
    return Connector(Wiring("warehouse", config, str, str, tmp_path / "work" / "warehouse"))


def kept(warehouse: Connector, tmp_path: Path, before: str) -> Receipt:
    uri = warehouse.uri
    detail = {"backup": str(tmp_path / "kept" / "warehouse.duckdb")}
    return Receipt("warehouse", "run", "k", {uri: before}, {uri: warehouse.digest()}, detail)


def test_it_reads_while_another_process_holds_the_file(warehouse: Connector) -> None:
    words = [sys.executable, "-c", HOLD, str(warehouse.path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(duckdb.IOException):
            duckdb.connect(str(warehouse.path), read_only=True)
        assert warehouse.profile(DAILY).rows == 30
        with pytest.raises(Unreachable):
            restore_a_held_file(warehouse)
        holder.communicate("\n")


def restore_a_held_file(warehouse: Connector) -> None:
    before = warehouse.backup(warehouse.wiring.workspace / "kept.duckdb")
    detail = {"backup": str(warehouse.wiring.workspace / "kept.duckdb")}
    with warehouse.path.open("ab") as file:
        file.write(b"\0")
    warehouse.restore(Receipt("w", "run", "k", {warehouse.uri: before}, {warehouse.uri: warehouse.digest()}, detail))


def test_a_profile_has_totals_per_day(warehouse: Connector) -> None:
    profile = warehouse.profile(DAILY)
    assert profile.totals["revenue"]["2026-11-03"] == 201.0
    assert profile.columns["currency"] == {"nulls": 0.0, "distinct": 1 / 30, "categories": {"EUR": 1.0}}
    assert profile.columns["revenue"]["max"] == 2914.5 and profile.columns["revenue"]["p50"] == 1457.25
    assert profile.duplicates == {"contact": 0}


def test_a_sample_covers_addresses(warehouse: Connector) -> None:
    (row,) = warehouse.sample(DAILY, Predicate((("day", "=", "2026-11-02"),)))
    assert row["contact"] == "•••@shop.example" and row["day"] == date(2026, 11, 2).isoformat()


def test_a_copy_is_compared_by_key_views_too(warehouse: Connector, tmp_path: Path) -> None:
    copy = warehouse.copy_to(tmp_path / "work" / "dbt" / "staging" / warehouse.path.name)
    sql(copy, "UPDATE daily SET revenue = 7 WHERE day = '2026-11-05'", "DELETE FROM daily WHERE day = '2026-11-06'")
    for asset in (DAILY, VIEW):
        diff = warehouse.compare(asset, "", str(copy))
        assert (diff.added, diff.removed, diff.changed, diff.same) == (0, 1, 1, 28)
        assert diff.columns == {"revenue": 1} and diff.key == ("contact",)
    assert warehouse.checksum(DAILY) != warehouse.checksum(DAILY, str(copy))


def test_a_checksum_does_not_depend_on_the_order_of_rows(warehouse: Connector) -> None:
    before = warehouse.checksum(DAILY)
    sql(warehouse.path, "CREATE OR REPLACE TABLE daily AS SELECT * FROM daily ORDER BY revenue DESC")
    assert warehouse.checksum(DAILY) == before


def test_the_file_is_put_back_byte_for_byte(warehouse: Connector, tmp_path: Path) -> None:
    whole = warehouse.path.read_bytes()
    before = warehouse.backup(tmp_path / "kept" / "warehouse.duckdb")
    sql(warehouse.path, "DROP TABLE daily CASCADE")
    receipt = kept(warehouse, tmp_path, before)
    warehouse.restore(receipt)
    assert warehouse.path.read_bytes() == whole
    warehouse.restore(receipt)
    assert warehouse.path.read_bytes() == whole


def test_a_file_that_was_written_to_since_is_not_put_back(warehouse: Connector, tmp_path: Path) -> None:
    before = warehouse.backup(tmp_path / "kept" / "warehouse.duckdb")
    sql(warehouse.path, "CREATE TABLE ours AS SELECT 1 AS one")
    receipt = kept(warehouse, tmp_path, before)
    sql(warehouse.path, "CREATE TABLE theirs AS SELECT 1 AS one")
    with pytest.raises(BaseMoved):
        warehouse.restore(receipt)


def test_a_second_backup_leaves_the_first_alone(warehouse: Connector, tmp_path: Path) -> None:
    path = tmp_path / "kept" / "warehouse.duckdb"
    before = warehouse.backup(path)
    sql(warehouse.path, "DROP TABLE daily CASCADE")
    assert warehouse.backup(path) == before != warehouse.digest()


def test_only_copies_of_this_warehouse_are_read(warehouse: Connector, tmp_path: Path) -> None:
    other = tmp_path / "other.duckdb"
    sql(other, "CREATE TABLE daily AS SELECT 1 AS one")
    with pytest.raises(Refused):
        warehouse.profile(DAILY, str(other))
    namesake = tmp_path / "elsewhere" / warehouse.path.name  # another connection's, of the same name
    namesake.parent.mkdir()
    sql(namesake, "CREATE TABLE daily AS SELECT 1 AS one")
    with pytest.raises(Refused):
        warehouse.profile(DAILY, str(namesake))
    with pytest.raises(Refused):
        warehouse.profile(AssetRef("duckdb://warehouse", 'main.daily"; DROP TABLE daily; --'))
    assert warehouse.profile(DAILY).rows == 30
