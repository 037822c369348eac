"""Repairs of code and of parameters, on the real lakehouse: planned from facts, staged, verified, ready to sign.

Those of data are told in tests/test_story.py, and all nine faults in tests/scenarios.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.demo.lakehouse import Lakehouse
from integrations.values import AssetRef
from tests.approvals import shop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ORDERS = AssetRef("iceberg://lake", "raw.orders")


@pytest.fixture(scope="module")
def lakehouse(tmp_path_factory: pytest.TempPathFactory, postgres_dsn: str) -> Iterator[Lakehouse]:
    with shop.standing(tmp_path_factory.mktemp("shop") / "home", postgres_dsn) as found:
        yield found


def test_a_renamed_column_is_read_under_its_new_name(lakehouse: Lakehouse) -> None:
    shop.broken(lakehouse, "column-renamed-upstream")
    build = shop.last_run("build")
    failed = shop.failed_models(build)
    incident = shop.diagnosed(
        ORDERS, "shop", build, subtype="column_renamed", asset=ORDERS.uri, old="customer_id", new="customer_ref",
        models=failed, paths=["dbt/models/staging/stg_orders.sql"], failed=failed,
    )  # fmt: skip
    proposal = shop.through(incident)
    assert (proposal.action, proposal.status) == ("update_schema_mapping", "awaiting_decision"), proposal.status_reason
    assert "customer_ref as customer_id" in proposal.report.sections["statements"]["code"][0]["text"]
    assert proposal.effect["now"].startswith(f"{len(failed)} failed"), proposal.effect


def test_the_commit_that_broke_it_is_reverted_on_a_branch(lakehouse: Lakehouse) -> None:
    truth = shop.broken(lakehouse, "missing-ref")
    build = shop.last_run("build")
    incident = shop.diagnosed(
        truth.root_asset, "shop", build, subtype="bad_commit", commit=truth.commit_after, subject="Tidy up",
        paths=["README.md"], failed=shop.failed_models(build),
    )  # fmt: skip
    proposal = shop.through(incident)
    assert (proposal.action, proposal.status) == ("rollback", "awaiting_decision"), proposal.status_reason
    assert proposal.report.sections["undo"]["rehearsed"]
    selected = [step["params"]["select"] for step in proposal.plan["steps"] if step["kind"] == "rerun"]
    assert selected == [[]]  # nothing was built on that day, so everything has to be


def test_a_limit_is_doubled_until_the_rehearsal_passes(lakehouse: Lakehouse) -> None:
    truth = shop.broken(lakehouse, "out-of-memory")
    build = shop.last_run("build")
    incident = shop.diagnosed(
        truth.root_asset, "shop", build, subtype="out_of_memory", parameter="memory_limit", now="24MB", max="2GB",
        failed=[truth.root_asset.uri],
    )  # fmt: skip
    proposal = shop.through(incident)
    assert (proposal.action, proposal.status) == ("rerun_with_parameters", "awaiting_decision"), proposal.status_reason
    sizes = {step["params"]["parameters"]["memory_limit"] for step in proposal.plan["steps"]}
    assert len(sizes) == 1
    assert sizes == {proposal.staging["runs"][-1]["parameters"]["memory_limit"]}
