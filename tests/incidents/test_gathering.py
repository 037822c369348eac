"""Evidence that is gathered for every diagnosis: who looks at it, what healed it before, what changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from approvals.models import Proposal
from incidents import gather, history
from incidents.case import Case
from incidents.learned import learn_assets
from incidents.models import AssetEdge, Incident, Run
from integrations.dbt.facts import facts_of
from integrations.dbt.naming import Names, slim_manifest
from integrations.values import Json
from tests import factories
from tests.incidents.diagnosing import SPACE, World

pytestmark = pytest.mark.django_db


def body(case: Case, kind: str) -> Json:
    return next(item.body for item in case.dossier.items if item.kind == kind)


def earlier(title: str, *, action: str = "", proposal: str = "", **fields: Any) -> Incident:
    made = factories.incident(title, **fields)
    if action:
        Proposal.objects.create(incident=made, number=1, action=action, title=action, plan={}, status=proposal)
    return made


def test_the_reach_names_dashboards_and_who_owns_them() -> None:
    root, mart = factories.asset(), factories.asset("mart.revenue")
    board = factories.asset("Revenue", kind="dashboard", owner={"name": "Finance"})
    other = factories.asset("Sales", kind="dashboard")
    for upper, lower in ((root, mart), (mart, board), (mart, other)):
        AssetEdge.objects.create(upstream=upper, downstream=lower)
    case = Case(factories.incident(root_asset=root))
    gather._lineage(case, root)
    assert body(case, "lineage")["seen_by"] == [{"name": "Revenue", "owner": "Finance"}, {"name": "Sales", "owner": ""}]
    assert case.dossier.items[0].title.endswith(": Revenue (Finance), Sales (nobody owns it)")


def test_what_healed_and_held_comes_before_what_is_newer() -> None:
    solved: dict[str, Any] = {"status": "resolved", "resolution": "fixed", "resolved_at": timezone.now()}
    earlier("held", action="quarantine", proposal="done", **solved)
    earlier("came back", action="retry", proposal="done", **solved, reopened=1)
    earlier("rejected", action="rollback", proposal="rejected", status="resolved", resolution="no_action")
    earlier("wrong", status="resolved", resolution="false_positive")
    case = Case(factories.incident("now"))
    gather._similar(case, case.root)
    listed = body(case, "similar")["incidents"]
    assert [one["title"] for one in listed] == ["held", "rejected", "came back", "wrong"]
    assert [one["held"] for one in listed] == [True, False, False, False]
    assert listed[0]["action"] == "quarantine"


def manifest(digest: str) -> Json:
    node = {"resource_type": "model", "name": "orders", "schema": "main", "original_file_path": "models/orders.sql",
            "checksum": {"name": "sha256", "checksum": digest * 64}, "raw_code": "select 1",
            "columns": {"paid": {"name": "paid", "description": "In cents"}, "id": {"name": "id"}}}  # fmt: skip
    return slim_manifest({"nodes": {"model.shop.orders": node}})


def test_what_dbt_says_of_columns_is_evidence_that_nobody_vouches_for(tmp_path: Path) -> None:
    job, model = factories.asset("build", "dbt://plain", kind="job"), factories.asset("main.orders", SPACE["engine"])
    failed = World(tmp_path).failure(model, "no such column", job=job)
    learn_assets(facts_of(manifest("a"), Names("dbt://plain", SPACE["engine"])))
    case = Case(Incident.objects.get(pk=failed.pk))
    gather.surroundings(case, case.root)
    assert body(case, "comments")["columns"] == [{"name": "paid", "comment": "In cents"}]
    assert [item.trust for item in case.dossier.items if item.kind == "comments"] == ["untrusted"]


def test_without_a_repository_the_manifests_say_which_models_changed(tmp_path: Path) -> None:
    names = Names("dbt://plain", SPACE["engine"])
    world = World(tmp_path)
    world.connection = factories.connection("plain", "webhook")
    learn_assets(facts_of(manifest("a"), names))
    job, model = factories.asset("build", "dbt://plain", kind="job"), factories.asset("main.orders", SPACE["engine"])
    good = world.run(job, outputs=[model.pk])
    failed = world.failure(model, "no such column", job=job)
    case = Case(failed)
    history.changes(case)
    assert not case.dossier.cites("changes")
    learn_assets(facts_of(manifest("b"), names))
    case = Case(failed)
    assert history.changes(case).is_known is False
    (found,) = body(case, "changes")["models"]
    assert (found["name"], found["path"], found["is_suspect"]) == ("main.orders", "models/orders.sql", True)
    assert body(case, "changes")["since"] == good.external_id
    Run.objects.filter(pk=good.pk).update(told_at=timezone.now())
    case = Case(failed)
    history.changes(case)
    assert not case.dossier.cites("changes")  # it ran well with the change


def test_a_dag_of_another_version_than_at_the_last_good_run_is_a_change(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.connection = factories.connection("plain", "webhook")
    job, table = factories.asset("nightly", "jobs://af", kind="job"), factories.asset("main.orders", SPACE["engine"])
    good = world.run(job, outputs=[table.pk])
    failed = world.failure(table, "no such column", job=job)
    Run.objects.filter(pk=good.pk).update(parameters={"dag_version": "14", "dag_bundle_version": "9f2c41d"})
    Run.objects.filter(pk=failed.run_id).update(parameters={"dag_version": "15", "dag_bundle_version": "9f2c41d"})
    case = Case(Incident.objects.get(pk=failed.pk))
    history.changes(case)
    assert body(case, "changes")["versions"] == [{"name": "DAG version", "before": "14", "now": "15"}]
