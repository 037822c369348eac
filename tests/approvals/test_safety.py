"""What nobody can approve past, and the kill switch. Plans are made by hand; the rules are pure."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from app.core.models import User
from approvals import safety
from approvals.models import KillSwitch
from approvals.plan import Caps, Plan, Step
from integrations.values import Json

ASSET = {"namespace": "iceberg://lake", "name": "raw.t"}
URI = "iceberg://lake/raw.t"
PATCH = "diff --git a/m/a.sql b/m/a.sql\n--- a/m/a.sql\n+++ b/m/a.sql\n@@ -1 +1 @@\n-select 1\n+select 2\n"


def plan(*steps: Step, **fields: Any) -> Plan:
    made = Plan("quarantine", "t", "w", 1, URI, steps, "undo", (URI,))
    return replace(made, **fields)


def change(**params: Any) -> Plan:
    return plan(
        Step("fork", "f", "staging", "lake", {"assets": [URI]}, "quarantine"),
        Step("change", "c", "staging", "lake", params, "quarantine"),
        Step("publish", "p", "production", "lake", {"assets": [URI]}, "quarantine", "back"),
    )


def held(conditions: Any) -> Plan:
    return change(kind="quarantine_rows", asset=ASSET, predicate={"conditions": conditions}, hold="quarantine.t_inc_1")


def patched(diff: str) -> Plan:
    return change(kind="apply_patch", diff=diff, message="m")


def test_a_predicate_that_names_rows_passes() -> None:
    assert safety.verdict(held([["c", "in", ["JPY"]]])) == ()
    assert safety.verdict(held([["c", "is null", None]])) == ()


@pytest.mark.parametrize(
    "conditions",
    [[], None, [["c", "in", []]], [["c", "=", None]], [["1", "=", 1]], [["", "=", 1]], [["c", "or 1=1", 1]], ["1=1"],
     [[]], [["c", "in", [None]]], [["c", ">=", None]]],
)  # fmt: skip
def test_a_predicate_that_could_mean_all_rows_is_refused(conditions: Any) -> None:
    assert safety.verdict(held(conditions))


def test_ten_thousand_random_predicates_never_mean_all_rows() -> None:
    source = random.Random(20)  # noqa: S311 - a seed that can be replayed
    values: list[Any] = [None, "", 0, [], [None], "x", [1], {}, True]
    for _ in range(10_000):
        count = source.choice([0, 1, 1, 2])
        conditions = [
            [
                source.choice(["", "1", "c", None]),
                source.choice(["=", "in", "is null", "<>", "like", ""]),
                source.choice(values),
            ]
            for _ in range(count)
        ]
        if not safety.verdict(held(conditions)):
            assert conditions
            assert all(
                column == "c" and (operator == "is null" or value not in (None, [], [None], {}))
                for column, operator, value in conditions
            )


def test_a_plain_patch_passes() -> None:
    assert safety.verdict(patched(PATCH)) == ()


@pytest.mark.parametrize(
    ("diff", "because"),
    [
        (PATCH.replace("m/a.sql", ".github/workflows/a.yml"), "people alone"),
        (PATCH.replace("m/a.sql", "conf/secrets.yml"), "people alone"),
        (PATCH.replace("m/a.sql", ".env"), "people alone"),
        (PATCH.replace("m/a.sql", "m/../../etc/passwd.txt"), "tracked file"),
        (PATCH.replace("m/a.sql", "m/a.so"), "no text file"),
        (PATCH.replace("--- a/m/a.sql", "new file mode 100755\n--- /dev/null"), "tracked"),
        (PATCH.replace("+select 2", "+drop table x"), "never allowed"),
        (PATCH.replace("+select 2", "+GRANT ALL ON x TO y"), "never allowed"),
        ("@@ -0,0 +1,401 @@\n" + "+x\n" * 401, "401 lines"),
        ("", "changes nothing"),
    ],
)
def test_a_patch_outside_of_what_people_can_read_is_refused(diff: str, because: str) -> None:
    assert because in " ".join(safety.verdict(patched(diff)))


def test_a_removed_sql_comment_is_no_file_name() -> None:
    diff = "--- a/m/a.sql\n+++ b/m/a.sql\n@@ -1,2 +1 @@\n--- drop of /etc/x\n select 1\n"
    assert safety.verdict(patched(diff)) == ()


def test_publishing_what_was_not_staged_is_refused() -> None:
    made = held([["c", "=", 1]])
    other = replace(made.steps[2], params={"assets": ["iceberg://lake/raw.other"]})
    assert "did not stage" in " ".join(safety.verdict(replace(made, steps=(*made.steps[:2], other))))


def test_caps_stop_too_many_rows_tables_and_seconds() -> None:
    made = held([["c", "=", 1]])
    assert safety.verdict(made, {"edited_rows": {URI: 10_000}, "total_rows": {URI: 50_000}, "seconds": 900}) == ()
    assert safety.verdict(made, {"edited_rows": {URI: 10_001}, "total_rows": {URI: 50_000}})
    assert safety.verdict(made, {"edited_rows": {URI: 20_000}, "total_rows": {URI: 2_000_000}}) == ()
    assert safety.verdict(made, {"seconds": 901})
    assert safety.verdict(replace(made, caps=Caps(rows=10_001)))
    four = {"assets": [f"iceberg://lake/raw.t{n}" for n in range(4)]}
    wide = plan(
        Step("fork", "f", "staging", "lake", four, "quarantine"),
        Step("publish", "p", "production", "lake", four, "quarantine"),
    )
    assert "4 tables" in " ".join(safety.verdict(wide))


def test_verdicts_survive_the_journey_through_the_database() -> None:
    made: Json = json.loads(json.dumps(held([["c", "in", ["JPY"]]]).as_json()))
    assert safety.verdict(Plan.from_json(made)) == ()


@pytest.mark.django_db
@pytest.mark.parametrize("scope", ["all", "action:quarantine", "connection:lake", f"asset:{URI}"])
def test_a_switch_that_covers_the_plan_is_found(scope: str, operator: User) -> None:
    made = held([["c", "=", 1]])
    KillSwitch.objects.create(scope="connection:other", pressed_by=operator)
    assert safety.stopped(made) is None
    KillSwitch.objects.create(scope=scope, pressed_by=operator)
    assert safety.stopped(made) == scope
