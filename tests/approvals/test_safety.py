"""What nobody can approve past, and the kill switch. Plans are made by hand; the rules are pure."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from approvals import safety
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


def _all_rows(conditions: Any) -> bool:
    """Whether these would hold every row of TABLE, worked out here and not by the code under test."""

    def fits(row: Json, condition: Any) -> bool:
        column, operator, value = condition
        if column not in row:
            return column in ("1", "") and operator == "="
        if operator == "is null":
            return row[column] is None
        if operator == "in":
            return row[column] in (value or ())
        return value is not None and {"=": row[column] == value}.get(operator, False)

    return all(all(fits(row, one) for one in conditions or []) for row in TABLE)


TABLE: list[Json] = [{"c": "x"}, {"c": 1}, {"c": None}, {"c": ""}]


def test_ten_thousand_random_plans_never_mean_all_rows_nor_pass_a_cap() -> None:
    """Bar 22, whole: it takes no target."""
    source, refused, passed = random.Random(22), 0, 0  # noqa: S311 - a seed that can be replayed
    values: list[Any] = [None, "", 0, [], [None], "x", [1], {}, True]
    columns, operators = ["", "1", "c", "c", None], ["=", "in", "is null", "<>", "like", "or 1=1", ""]
    shapes: list[Any] = [None, [], {}, ["1=1"], [[]], [["c"]], "1=1"]
    for _ in range(10_000):
        drawn = [[source.choice(columns), source.choice(operators), source.choice(values)] for _ in range(2)]
        conditions = source.choice([source.choice(shapes), drawn[:1], drawn[:1], drawn])
        rows, total, seconds = (
            source.choice(few) for few in ([0, 10_000, 10_001, 60_000], [0, 10**6, 10**7], [1, 901])
        )
        caps = replace(Caps(), rows=source.choice([1, 10_000, 10_001]), tables=source.choice([1, 3, 4]))
        facts = {"edited_rows": {URI: rows}, "total_rows": {URI: total}, "seconds": seconds}
        found = safety.verdict(replace(held(conditions), caps=caps), facts)
        over = caps.rows > 10_000 or caps.tables > 3 or seconds > 900 or rows > max(caps.rows, total // 100)
        if over or not conditions or not isinstance(conditions, list) or _is_broken(conditions):
            assert found, (conditions, caps, facts)
        if not found:
            assert not _all_rows(conditions), conditions
        refused, passed = refused + bool(found), passed + (not found)
    assert refused + passed == 10_000 and passed > 50


def _is_broken(conditions: Any) -> bool:
    return any(not isinstance(one, list) or len(one) != 3 or one[0] != "c" for one in conditions)


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
        (PATCH.replace("m/a.sql", "terraform/main.yml"), "machines"),
        (PATCH.replace("m/a.sql", "profiles.yml"), "machines"),
        (PATCH.replace("+select 2", "+create user x"), "never allowed"),
        (PATCH.replace("+select 2", "+password = 'hunter22'"), "credential"),
        (PATCH.replace("+select 2", "+dsn = 'postgres://me:hunter2@db/x'"), "credential"),
        (PATCH.replace("+select 2", "+insert into t (a) values (1)"), "never invented"),
        (PATCH.replace("m/a.sql", "seeds/rates.csv"), "never invented"),
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


def again(**parameters: Any) -> Plan:
    return plan(Step("rerun", "r", "production", "jobs", {"parameters": parameters}, "retry"), action="retry")


@pytest.mark.parametrize(
    ("parameters", "because"),
    [
        ({"start": "2026-11-01", "end": "2026-11-09"}, "8 days"),
        ({"range": "2026-11-01T00:00 to 2026-11-30T00:00"}, "29 days"),
        ({"backfill_days": 8}, "reaches back 8 days"),
        ({"full_refresh": True}, "everything again"),
        ({"vars": "x; drop table y"}, "statement"),
        ({"db_password": "hunter22"}, "credential"),
    ],
)
def test_a_run_of_more_than_a_week_with_a_statement_or_a_credential_is_refused(parameters: Any, because: str) -> None:
    found = safety.verdict(again(**parameters))
    assert because in " ".join(found)
    assert safety.code_of(found) == "SIGNATURE_MATCHED"
    assert not any(str(value) in " ".join(found) for value in parameters.values() if isinstance(value, str))


def test_a_run_of_a_week_passes() -> None:
    assert safety.verdict(again(start="2026-11-01", end="2026-11-08", backfill_days=7, full_refresh="false")) == ()


@pytest.mark.parametrize(
    "params", [{"kind": "quarantine_rows", "predicate": 1}, {"kind": "dedupe_rows", "key": 1}, {"kind": []}]
)
def test_what_cannot_be_checked_is_refused(params: Any) -> None:
    found = safety.verdict(change(**params))
    assert found and safety.code_of(found) == "SAFETY_BLOCKED"


def test_what_people_always_confirm_is_named() -> None:
    assert safety.confirmed(held([["c", "=", 1]])) == ("quarantine", "publish")
    assert safety.confirmed(plan()) == ()
