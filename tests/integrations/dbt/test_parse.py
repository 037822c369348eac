"""What dbt 1.11 really left behind, read into our own words."""

from __future__ import annotations

import json
from pathlib import Path

from integrations.dbt.naming import Names, slim_manifest
from integrations.dbt.parse import parse, run_id
from integrations.values import AssetFact, AssetRef, Json, RunReport

NAMES = Names("dbt://shop", "duckdb://warehouse", {"raw": "iceberg://lake"}, "dbt")
ORDERS = AssetRef("iceberg://lake", "raw.orders")
STAGED = AssetRef("duckdb://warehouse", "main.stg_orders")
REVENUE = AssetRef("duckdb://warehouse", "main.revenue")


def payload(name: str) -> Json:
    found: Json = json.loads((Path(__file__).parent / "payloads" / f"{name}.json").read_text())
    return found


def report(name: str) -> RunReport:
    return parse(payload(name), NAMES)


def fact(asset: AssetRef) -> AssetFact:
    return next(fact for fact in report("good").facts if fact.asset == asset)


def test_a_good_run_says_what_it_read_and_built() -> None:
    good = report("good")
    assert (good.status, good.job, good.external_id) == ("success", AssetRef("dbt://shop", "build"), "good")
    assert good.inputs == (ORDERS,) and good.outputs == (STAGED, REVENUE)
    assert {result.status for result in good.results} == {"success"}
    assert good.started_at is not None and good.finished_at is not None and good.started_at < good.finished_at
    assert good.commit and good.environment == "production"


def test_a_failed_test_stands_for_the_asset_it_is_about() -> None:
    failed = next(result for result in report("failed_test").results if result.status == "failed")
    assert (failed.asset, failed.kind, failed.failures) == (STAGED, "test", 1)
    assert failed.node.startswith("test.shop.unique_stg_orders_order_id")


def test_what_was_only_skipped_did_not_fail() -> None:
    statuses = {(result.asset, result.kind): result.status for result in report("failed_test").results}
    assert statuses[REVENUE, "model"] == "skipped"
    assert sum(result.status == "failed" for result in report("failed_test").results) == 1


def test_a_failed_model_keeps_the_engines_own_words() -> None:
    gone = report("column_gone")
    failed = [result for result in gone.results if result.status == "failed"]
    assert [result.asset for result in failed] == [STAGED]
    assert 'Referenced column "amout" not found' in gone.error and 'Candidate bindings: "amount"' in gone.error


def test_a_run_without_artifacts_is_read_from_its_log() -> None:
    missing = report("missing_ref")
    assert "run_results" not in payload("missing_ref")
    assert missing.status == "failed"
    assert [(result.asset, result.status, result.kind) for result in missing.results] == [(REVENUE, "failed", "model")]
    assert "depends on a node named 'orders_of_old' which was not found" in missing.error


def test_a_log_alone_is_enough_to_name_the_model() -> None:
    alone = {key: value for key, value in payload("missing_ref").items() if key in ("log", "return_code")}
    assert parse(alone, NAMES).results[0].asset == REVENUE


def test_what_names_no_model_is_a_failure_of_the_job() -> None:
    (failed,) = report("bad_yaml").results
    assert failed.asset == AssetRef("dbt://shop", "build") and "Syntax error near line" in failed.message


def test_an_undefined_macro_is_the_models_failure() -> None:
    assert "'no_such_macro' is undefined" in report("undefined_macro").error
    assert [r.asset for r in report("undefined_macro").results if r.status == "failed"] == [REVENUE]


def test_the_log_is_readable_text() -> None:
    assert (
        "Completed successfully" in report("good").log
        and '{"data"' not in report("good").log
        and "\x1b" not in report("good").log
    )


def test_a_cut_off_line_of_the_log_is_kept_as_it_is() -> None:
    assert '{"info": {"le' in parse({"log": '{"info": {"le\nplain\n'}, NAMES).log


def test_lineage_leads_from_the_source_to_the_dashboard() -> None:
    assert fact(STAGED).upstream == (ORDERS,)
    assert fact(REVENUE).upstream == (STAGED,)
    board = fact(AssetRef("dbt://shop", "board"))
    assert (board.kind, board.upstream) == ("dashboard", (REVENUE,))
    assert board.owner == {"name": "Finance", "email": "finance@shop.example"}


def test_owners_columns_and_files_are_learned() -> None:
    assert fact(ORDERS).owner == {"name": "Commerce", "email": "commerce@shop.example"}
    staged = fact(STAGED)
    assert staged.path == "dbt/models/stg_orders.sql" and staged.meta["unique_id"] == "model.shop.stg_orders"
    assert [(column.name, column.type) for column in staged.columns] == [("order_id", "bigint")]
    assert staged.meta["checks"][0].startswith("test.shop.unique_stg_orders_order_id")


def test_the_slim_manifest_reads_the_same() -> None:
    whole = payload("good")
    whole["manifest"]["nodes"]["model.shop.revenue"] |= {"raw_code": "select 1", "compiled_code": "select 1"}
    slim = whole | {"manifest": slim_manifest(whole["manifest"])}
    assert parse(slim, NAMES) == parse(whole, NAMES)
    assert "code" not in json.dumps(slim["manifest"])


def test_stale_sources_fail_and_fresh_ones_do_not() -> None:
    row = {"unique_id": "source.shop.raw.orders", "max_loaded_at": "2026-11-01", "max_loaded_at_time_ago_in_s": 90000.0}
    rows = [row | {"status": status} for status in ("error", "warn", "pass", "runtime error")]
    results = parse({"sources": {"results": rows}, "manifest": payload("good")["manifest"]}, NAMES).results
    assert [(r.asset, r.kind) for r in results] == [(ORDERS, "freshness")] * 4
    assert [r.status for r in results] == ["failed", "warned", "success", "failed"]
    assert "90000 s" in results[0].message and results[2].message == ""


def test_a_run_is_known_by_the_senders_id_else_by_dbts_own() -> None:
    assert run_id(payload("good")) == "good"
    own = {"run_results": {"metadata": {"invocation_id": "abc"}}}
    assert run_id(own) == "abc"
    assert run_id({"log": "x"}) == run_id({"log": "x"}) != run_id({"log": "y"})


def test_what_is_no_artifact_is_read_as_nothing() -> None:
    broken = {"run_results": [], "manifest": "x", "sources": 3, "log": None, "started_at": "soon"}
    assert parse(broken, NAMES).status == "success" and parse(broken, NAMES).results == ()


def test_an_interrupted_run_is_aborted() -> None:
    assert parse(payload("good") | {"return_code": -15}, NAMES).status == "aborted"
