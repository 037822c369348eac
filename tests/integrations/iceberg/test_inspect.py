"""What a lake tells about its tables: now, before, and what one load brought."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from integrations.errors import Refused
from integrations.iceberg.connector import Connector
from integrations.ports import Wiring
from integrations.values import AssetRef, Predicate

SALES = AssetRef("iceberg://lake", "raw.sales")


def rows(start: int, count: int, currency: str = "EUR") -> pa.Table:
    ids = list(range(start, start + count))
    mail = [f"u{i % 3}@shop.example" for i in ids]
    return pa.table(
        {
            "sale_id": ids,
            "buyer_id": [i % 7 for i in ids],
            "amount": [i / 10 for i in ids],
            "currency": [currency] * count,
            "mail": mail,
            "sold_on": [date(2026, 11, 1 + start // 100)] * count,
        }
    )


@pytest.fixture
def lake(tmp_path: Path) -> Connector:
    catalog = {"type": "sql", "uri": f"sqlite:///{tmp_path}/catalog.db", "warehouse": f"file://{tmp_path}/lake"}
    connector = Connector(Wiring("lake", {"namespace": "iceberg://lake", "catalog": catalog}, str, str, tmp_path))
    connector.catalog.create_namespace("raw")
    table = connector.catalog.create_table("raw.sales", schema=rows(0, 1).schema)
    table.append(rows(0, 100))
    table.append(rows(100, 60, "JPY"))
    return connector


def test_versions_are_newest_first_and_lead_back(lake: Connector) -> None:
    newest, oldest = lake.versions(SALES)
    assert (newest.parent, newest.operation, oldest.parent) == (oldest.id, "append", "")
    assert newest.at >= oldest.at and newest.summary["added-records"] == "60"
    assert lake.heads([SALES]) == {SALES.uri: newest.id}


def test_what_is_written_about_a_column_is_read_with_it(lake: Connector) -> None:
    with lake.catalog.load_table("raw.sales").update_schema() as change:
        change.update_column("amount", doc="Net, in euro")
    assert [column.comment for column in lake.schema(SALES)] == ["", "", "Net, in euro", "", "", ""]


def test_an_increment_has_only_what_the_load_brought(lake: Connector) -> None:
    newest, oldest = lake.versions(SALES)
    profile = lake.profile(SALES, newest.id, increment=True)
    assert profile.rows == 60 and profile.columns["currency"]["categories"] == {"JPY": 1.0}
    assert profile.totals["*"] == {"2026-11-02": 60}
    assert lake.profile(SALES, oldest.id).columns["currency"]["categories"] == {"EUR": 1.0}
    assert lake.profile(SALES).rows == 160


def test_only_what_identified_rows_at_first_is_a_key(lake: Connector) -> None:
    assert lake.candidate_keys(SALES) == (("sale_id",),)


def test_rows_loaded_again_are_counted_against_what_was_there(lake: Connector) -> None:
    lake.catalog.load_table("raw.sales").append(pa.concat_tables([rows(40, 25), rows(900, 5), rows(900, 5)]))
    newest = lake.versions(SALES)[0]
    assert lake.profile(SALES, newest.id, increment=True).duplicates == {"sale_id": 30}
    assert lake.profile(SALES).duplicates == {"sale_id": 30}


def test_a_renamed_column_keeps_its_identity(lake: Connector) -> None:
    before = lake.versions(SALES)[0].id
    with lake.catalog.load_table("raw.sales").update_schema() as update:
        update.rename_column("amount", "amount_eur")
    old, new = ({column.id: column.name for column in lake.schema(SALES, version)} for version in (before, ""))
    assert {id: (old[id], new[id]) for id in old if old[id] != new[id]} == {"3": ("amount", "amount_eur")}
    assert "amount_eur" in lake.profile(SALES).columns or "amount" in lake.profile(SALES).columns


def test_a_sample_covers_addresses(lake: Connector) -> None:
    (row,) = lake.sample(SALES, Predicate((("sale_id", "=", 5),)))
    assert row["mail"] == "•••@shop.example" and row["sold_on"] == "2026-11-01"


def test_what_is_not_there_is_refused(lake: Connector) -> None:
    for asset, version in ((AssetRef("iceberg://lake", "raw.none"), ""), (SALES, "7"), (SALES, "no-branch")):
        with pytest.raises(Refused):
            lake.profile(asset, version)
    with pytest.raises(Refused):
        lake.schema(AssetRef("iceberg://other", "raw.sales"))


def test_the_connection_says_how_it_is(lake: Connector) -> None:
    assert lake.test().ok and "1 tables" in lake.test().message
    broken = {"type": "sql", "uri": "sqlite:////nonexistent/catalog.db", "warehouse": "file:///nonexistent"}
    wiring = Wiring("lake", {"namespace": "iceberg://lake", "catalog": broken}, str, str, Path())
    assert not Connector(wiring).test().ok
