"""Walking the graph: nearest first, cycles and diamonds harmless, and a large manifest learned in a second."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from incidents import lineage
from incidents.learned import learn_assets, learn_run
from incidents.models import Asset, AssetEdge
from integrations.values import AssetFact, AssetRef, Column, NodeResult, RunReport
from tests.factories import connection
from tests.incidents.story import chain, model, raw

pytestmark = pytest.mark.django_db


def named(assets: list[Asset]) -> list[str]:
    return [asset.name for asset in assets]


def test_up_and_down_are_nearest_first_and_know_dashboards_and_owners() -> None:
    rows = chain(raw("orders"), model("stg_orders"), model("orders"), AssetRef("dbt://shop", "sales"), owner="Mai")
    assert named(lineage.upstream(rows[2])) == ["main.stg_orders", "raw.orders"]
    assert named(lineage.downstream(rows[0])) == ["main.stg_orders", "main.orders", "sales"]
    assert named(lineage.dashboards(rows[0])) == ["sales"]
    assert lineage.owners(lineage.downstream(rows[0])) == [{"name": "Mai"}]


def test_a_diamond_and_a_cycle_end_and_a_path_is_connected() -> None:
    first, left, last = chain(model("a"), model("b"), model("d"))
    _, right, _ = chain(model("a"), model("c"), model("d"))
    chain(model("d"), model("a"))
    assert named(lineage.downstream(first)) == ["main.b", "main.c", "main.d"]
    assert named(lineage.path(first, last)) in (["main.a", "main.b", "main.d"], ["main.a", "main.c", "main.d"])
    assert lineage.path(left, right) == [left, last, first, right]
    assert lineage.path(first, chain(model("alone"))[0]) == []


def test_an_asset_and_its_edges_are_amended_and_never_emptied() -> None:
    told = AssetFact(model("a"), "model", {"name": "Mai"}, "Orders", "a.sql", (raw("x"),), (Column("id", "int"),))
    learn_assets([told])
    learn_assets([AssetFact(model("a"), meta={"rows": 1})], [raw("y")])
    asset = Asset.objects.get(name="main.a")
    assert (asset.kind, asset.owner, asset.path, asset.meta) == ("model", {"name": "Mai"}, "a.sql", {"rows": 1})
    assert asset.columns == [{"name": "id", "type": "int"}]
    assert AssetEdge.objects.get().upstream.name == "raw.x"


def test_a_manifest_of_a_thousand_nodes_is_learned_in_a_second_by_a_few_queries() -> None:
    facts = tuple(
        AssetFact(model(f"m{n}"), "model", path=f"models/m{n}.sql", upstream=(model(f"m{n // 2}"),) if n else ())
        for n in range(1000)
    )
    results = tuple(NodeResult(fact.asset, "success", f"model.shop.m{n}") for n, fact in enumerate(facts))
    report: Any = RunReport("r1", AssetRef("dbt://shop", "build"), "success", facts=facts, results=results)
    source = connection()
    with CaptureQueriesContext(
        database,
    ) as queries:
        began = time.process_time()
        learn_run(source, report)
        seconds = time.process_time() - began
    assert len(queries) < 20
    assert seconds < 1
    assert (Asset.objects.count(), AssetEdge.objects.count()) == (1001, 999)
    learn_run(source, report)
    assert source.runs.get().results.count() == 1000
