"""One lake, one bad load after the other: each is found by its detector, and the healthy ones between are quiet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from incidents.detect import detect
from tests.gateway_fixture import gateway
from tests.incidents.lake import Lake

__all__ = ["gateway"]


def column(batch: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return batch.set_column(batch.column_names.index(name), batch.schema.field(name), values)


def holes(batch: pa.Table) -> pa.Table:
    return column(batch, "place", pa.array([None if n % 3 else "cave" for n in range(batch.num_rows)], pa.string()))


def cents(batch: pa.Table) -> pa.Table:
    return column(batch, "worth", pc.multiply(batch["worth"], 100.0))


def a_tenth_more(batch: pa.Table) -> pa.Table:
    return column(batch, "worth", pc.multiply(batch["worth"], 1.25))


def the_same_id(batch: pa.Table) -> pa.Table:
    return column(batch, "nugget_id", pa.array([int(batch["nugget_id"][0].as_py()) + n % 40
                                                for n in range(batch.num_rows)], pa.int64()))  # fmt: skip


def one_giant(batch: pa.Table) -> pa.Table:
    return column(batch, "worth", pa.array([1e9, *batch["worth"].to_pylist()[1:]]))


FAULTS: dict[Callable[[pa.Table], pa.Table], str] = {
    holes: "nulls:place",
    cents: "p50:worth",
    a_tenth_more: "mean:worth",
    the_same_id: "distinct:nugget_id",
    one_giant: "total:worth",
    lambda batch: batch.slice(0, 100): "rows",
    lambda batch: pa.concat_tables([batch, batch]): "keys:nugget_id",
}


def test_each_fault_of_a_load_is_found_between_quiet_days(tmp_path: Path, gateway: None) -> None:
    lake = Lake(tmp_path)
    detect(lake.run())
    for spoil, check in FAULTS.items():
        lake.add(spoil(lake.batch()))
        assert check in detect(lake.run()), check
        lake.add()
        assert detect(lake.run()) == [], f"after {check}"
