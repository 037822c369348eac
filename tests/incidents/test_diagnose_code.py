from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from incidents.diagnose import diagnose
from incidents.models import Diagnosis, Incident, RunResult
from incidents.rules.columns import difference, renamed_to
from incidents.rules.keys import repeated, unique_column
from incidents.rules.permission import grant_statement
from tests.gateway_fixture import gateway
from tests.incidents.diagnosing import World

__all__ = ["gateway"]
PARSER = 'Runtime Error in model tidy\n  Parser Error: syntax error at or near "as"'
MISSING = (
    "Compilation Error\n  Model 'model.shop.tidy' (models/tidy.sql) depends on a node named 'gone' which was not found"
)


@pytest.fixture
def world(tmp_path: Path, gateway: None) -> World:
    return World(tmp_path)


def concluded(incident: Incident) -> Diagnosis:
    made = diagnose(incident)
    assert made is not None
    incident.refresh_from_db()
    return made


def broken(world: World, message: str, **files: str | None) -> Incident:
    """A good run, then one commit, then a failure of the model `main.tidy`, which reads `main.plain`."""
    job = world.asset("dbt", "build", kind="job")
    good = world.commit("Begin", project__models__tidy="select 1", project__models__plain="select 1", other="select 1")
    world.run(job, commit=good)
    plain = world.asset("engine", "main.plain", path="project/models/plain.sql")
    tidy = world.asset(
        "engine", "main.tidy", plain, path="project/models/tidy.sql", meta={"unique_id": "model.shop.tidy"}
    )
    bad = world.commit("Tidy up", **files)
    return world.failure(tidy, message, job=job, commit=bad)


def test_a_commit_that_broke_the_failing_model_is_named(world: World) -> None:
    incident = broken(world, PARSER, project__models__tidy="select as", other="select 2")
    made = concluded(incident)
    assert (made.failure_class, made.subtype, incident.root_asset.name) == ("code", "bad_commit", "main.tidy")
    facts = made.facts
    assert (facts["subject"], facts["author"], facts["path"]) == ("Tidy up", "Ada", "project/models/tidy.sql")
    assert sorted(facts["paths"]) == ["other.sql", "project/models/tidy.sql"]
    assert incident.run and facts["commit"] == incident.run.commit


def test_a_commit_elsewhere_is_not_blamed(world: World) -> None:
    made = concluded(broken(world, PARSER, other="select 2"))
    assert (made.failure_class, made.subtype) == ("code", "syntax")
    assert "commit" not in made.root_cause.lower()


def test_a_syntax_error_is_never_blamed_on_another_file(world: World) -> None:
    made = concluded(broken(world, PARSER, project__models__plain="select 2"))
    assert made.subtype == "syntax"


def test_a_column_that_a_model_upstream_dropped_leads_to_that_model(world: World) -> None:
    message = 'Binder Error: Referenced column "a" not found in FROM clause!'
    incident = broken(world, message, project__models__plain="select 2")
    made = concluded(incident)
    assert (made.subtype, incident.root_asset.name) == ("bad_commit", "main.plain")
    assert made.facts["asset"] == "duckdb://warehouse/main.plain"


def test_the_commit_that_removed_what_is_referred_to_is_named(world: World) -> None:
    incident = broken(world, MISSING)
    world.commit("Later")
    added = world.commit("Add gone", project__models__gone="select 1")
    removed = world.commit("Remove gone", project__models__gone=None)
    Incident.objects.filter(pk=incident.pk).update(root_asset=world.asset("dbt", "build"))
    assert incident.run
    incident.run.commit = removed
    incident.run.save()
    incident.refresh_from_db()
    made = concluded(incident)
    assert (made.subtype, made.facts["commit"], made.facts["missing"]) == ("missing_ref", removed, "gone")
    assert (incident.root_asset.name, made.facts["path"]) == ("main.tidy", "project/models/tidy.sql")
    assert added not in made.facts.values()


def test_without_a_good_run_nobody_is_blamed(world: World) -> None:
    job = world.asset("dbt", "build", kind="job")
    commit = world.commit("Begin", models__tidy="select as")
    made = concluded(
        world.failure(world.asset("engine", "main.tidy", path="models/tidy.sql"), PARSER, job=job, commit=commit)
    )
    assert made.subtype == "syntax"


def column(name: str, type: str = "long", id: str = "") -> dict[str, str]:
    return {"name": name, "type": type, "id": id}


@pytest.mark.parametrize(
    ("before", "after", "offered", "expected"),
    [
        ([column("a", id="1")], [column("b", id="1")], [], "b"),
        ([column("a", id="1")], [column("b", id="2")], ["b"], "b"),
        ([column("a")], [column("b"), column("c")], ["c"], "c"),
        ([column("a")], [column("b"), column("c")], ["b", "c"], ""),
        ([column("a")], [column("b", "string")], ["b"], ""),
        ([column("a")], [column("a"), column("b")], ["b"], ""),
        ([column("z")], [column("b")], ["b"], ""),
    ],
)
def test_a_new_name_is_believed_only_with_proof(before: Any, after: Any, offered: list[str], expected: str) -> None:
    assert renamed_to("a", offered, before, after) == expected


def test_a_difference_of_columns_names_each_change() -> None:
    before = [column("a", id="1"), column("b"), column("c"), column("same")]
    after = [column("aa", id="1"), column("b", "string"), column("d"), column("same")]
    found = difference(before, after)
    assert [(row["name"], row["change"]) for row in found["columns"]] == [
        ("a", "renamed"), ("b", "retyped"), ("c", "removed"), ("d", "added")
    ]  # fmt: skip
    assert found["same"] == 1


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("test.shop.source_unique_raw_orders_order_id.5a1b", "order_id"),
        ("test.shop.unique_stg_orders_id.5a1b", "id"),
        ("test.shop.not_null_stg_orders_order_id.5a1b", ""),
    ],
)
def test_the_column_of_a_unique_test_is_read_from_its_name(node: str, expected: str) -> None:
    assert unique_column(RunResult(node=node), ["id", "order_id", "place"]) == expected


def test_repeated_rows_are_counted_with_or_without_a_learned_key() -> None:
    profile = {"rows": 100, "duplicates": {"a": 7}, "columns": {"b": {"nulls": 0.1, "distinct": 0.85}}}
    assert [repeated(profile, key) for key in (("a",), ("b",), ("c",), ("a", "b"))] == [7, 5, 0, 0]


def test_a_grant_quotes_what_a_hostile_error_named() -> None:
    assert grant_statement("SELECT", "table", 'public.de"als', "etl") == 'GRANT SELECT ON "public"."de""als" TO "etl"'
    assert grant_statement("USAGE", "schema", "crm", "etl") == 'GRANT USAGE ON SCHEMA "crm" TO "etl"'
