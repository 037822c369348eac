"""Several tables switch together or not at all, whoever writes in between."""

from __future__ import annotations

import itertools
import multiprocessing
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.exceptions import CommitFailedException

from integrations.effects import Branch, QuarantineRows
from integrations.errors import BaseMoved
from integrations.iceberg import branches
from integrations.iceberg.catalog import chain, main_of
from integrations.iceberg.connector import Connector
from integrations.ports import Wiring
from integrations.values import AssetRef, Predicate

NAMES = ("raw.orders", "raw.payments", "raw.refunds")
ASSETS = tuple(AssetRef("iceberg://lake", name) for name in NAMES)
RACES = 8  # the first two are surely lost and surely won


def lake(folder: Path) -> Connector:
    catalog = {"type": "sql", "uri": f"sqlite:///{folder}/catalog.db", "warehouse": f"file://{folder}/lake"}
    return Connector(Wiring("lake", {"namespace": "iceberg://lake", "catalog": catalog}, str, str, folder))


def staged(connector: Connector, name: str) -> Branch:
    branch = connector.fork(name, ASSETS)
    for asset in ASSETS:
        hold = f"quarantine.{asset.name.replace('.', '_')}_{name.replace('-', '_')}"
        branch = connector.apply(branch, QuarantineRows(asset, Predicate((("id", "=", 0),)), hold))
    return branch


def heads(connector: Connector) -> dict[str, str]:
    return dict(connector.heads(ASSETS))


@pytest.fixture
def made(tmp_path: Path) -> Connector:
    connector = lake(tmp_path)
    connector.catalog.create_namespace("raw")
    rows = pa.table({"id": [0, 1, 2]})
    for name in NAMES:
        connector.catalog.create_table(name, schema=rows.schema).append(rows)
    return connector


def test_a_writer_between_reading_and_switching_stops_all_tables(made: Connector, monkeypatch: Any) -> None:
    branch, before = staged(made, "inc-1"), heads(made)
    commit_all = branches.commit_all

    def raced(catalog: Any, commits: Any) -> None:
        made.catalog.load_table(NAMES[2]).append(pa.table({"id": [9]}))
        commit_all(catalog, commits)

    monkeypatch.setattr(branches, "commit_all", raced)
    with pytest.raises(BaseMoved):
        made.publish(branch, key="publish-1")
    after = heads(made)
    assert [after[asset.uri] == before[asset.uri] for asset in ASSETS] == [True, True, False]
    assert made.lookup("publish-1") is None


def test_the_transaction_rolls_back_when_the_last_table_moved(
    made: Connector, monkeypatch: Any, tmp_path: Path
) -> None:
    branch, before = staged(made, "inc-1"), heads(made)
    write = type(made.catalog)._write_metadata
    written: list[str] = []

    def raced(metadata: Any, io: Any, path: str) -> None:
        write(metadata, io, path)
        written.append(path)
        if len(written) == len(NAMES):  # everything is staged; only the SQL transaction is left
            table = lake(tmp_path).catalog.load_table(NAMES[2])
            table.manage_snapshots().create_tag(int(before[ASSETS[2].uri]), "other").commit()

    monkeypatch.setattr(made.catalog, "_write_metadata", raced)
    ids = {asset.name: (int(branch.base[asset.uri]), int(branch.head[asset.uri])) for asset in ASSETS}
    tables = {name: made.catalog.load_table(name) for name in NAMES}
    commits = [branches._switch_one(tables[name], "publish-1", *ids[name], "inc-1") for name in NAMES]
    with pytest.raises(CommitFailedException):
        branches.commit_all(made.catalog, commits)
    assert heads(made) == before


def test_another_branch_made_meanwhile_is_no_reason_to_fail(made: Connector, monkeypatch: Any) -> None:
    branch = staged(made, "inc-1")
    commit_all, calls = branches.commit_all, list[int]()

    def raced(catalog: Any, commits: Any) -> None:
        calls.append(len(commits))
        if len(calls) == 1:
            table = made.catalog.load_table(NAMES[0])
            table.manage_snapshots().create_branch(int(branch.base[ASSETS[0].uri]), "someone-else").commit()
            raise CommitFailedException("as the catalog would say")
        commit_all(catalog, commits)

    monkeypatch.setattr(branches, "commit_all", raced)
    made.publish(branch, key="publish-1")
    assert heads(made) == dict(branch.head) and calls == [3, 3]


def write(folder: str, orders: Any) -> None:
    connector, count = lake(Path(folder)), itertools.count(100)
    for name, delay_s in iter(orders.recv, None):
        time.sleep(delay_s)
        try:
            connector.catalog.load_table(name).append(pa.table({"id": [next(count)]}))
            orders.send("wrote")
        except CommitFailedException:
            orders.send("lost")


def test_races_with_a_writer_in_another_process_lose_nothing(made: Connector, tmp_path: Path) -> None:
    context, pick, seen = multiprocessing.get_context("spawn"), random.Random(7), set[tuple[str, str]]()  # noqa: S311
    ours, theirs = context.Pipe()
    writer = context.Process(target=write, args=(str(tmp_path), theirs))
    writer.start()
    for race in range(RACES):
        for name in NAMES:
            made.catalog.load_table(name).append(pa.table({"id": [0]}))
        branch, raced = staged(made, f"inc-{race}"), pick.choice(ASSETS)
        publish = partial(attempt, made, branch, f"publish-{race}")
        published, wrote = run_race(race, ours, pick, raced.name, publish)
        seen.add((published, wrote))
        assert (made.lookup(f"publish-{race}") is not None) == (published == "published")
        for asset in ASSETS:  # what was published is there whole, and so is what the writer wrote after it
            table = made.catalog.load_table(asset.name)
            ancestors = {str(shot.snapshot_id) for shot in chain(table, main_of(table))}
            assert (branch.head[asset.uri] in ancestors) == (published == "published")
            assert branch.base[asset.uri] in ancestors
    ours.send(None)
    writer.join(30)
    assert {published for published, _ in seen} == {"published", "refused"}, seen


def run_race(race: int, ours: Any, pick: random.Random, table: str, publish: Callable[[], str]) -> tuple[str, str]:
    """(what became of the publish, what became of the other write)"""
    if race == 0:
        ours.send((table, 0.0))
        wrote = str(ours.recv())
        return publish(), wrote
    if race == 1:
        published = publish()
        ours.send((table, 0.0))
        return published, str(ours.recv())
    ours.send((table, pick.uniform(0, 0.15)))
    time.sleep(pick.uniform(0, 0.1))
    return publish(), str(ours.recv())


def attempt(connector: Connector, branch: Branch, key: str) -> str:
    try:
        connector.publish(branch, key=key)
        return "published"
    except BaseMoved:
        return "refused"
