from __future__ import annotations

import time

import pytest

from knowledge.index import anchors, keys
from knowledge.rule import PATTERN_LIMIT, Case, RuleError, matches, parse, rule_for

CASE = Case(
    assets={"load_partner_rates": 0, "raw.partner_rates": 0, "bank://x/raw.partner_rates": 0, "raw.fx": 2},
    connector="airflow",
    connection="prod-airflow",
    failure_class="transient",
    subtype="service_unavailable",
    error="GET /rates\nHTTP 503 Service Unavailable",
    status="503",
    columns=("rate", "currency"),
    dashboards=("exec_weekly",),
)
HOLD = {
    'connector = airflow\nerror ~ "503"\nasset in raw.partner_rates': "connector is airflow, the log says “503”",
    'error ~ "503", asset in raw.fx': "about raw.fx, 2 steps upstream",
    "asset = raw.partner* and class = transient": "about raw.partner_rates, class is transient",
    "ASSET = RAW.PARTNER_RATES": "about raw.partner_rates",
    "asset = bank://x/raw.partner_rates": "about bank",
    "class = data | transient": "class is transient",
    "status = 5??": "status is 503",
    "dashboard = exec_weekly": "dashboard is exec_weekly",
    "column = currency": "column is currency",
    "connection = prod-*, subtype = service_unavailable": "connection is prod-airflow",
}
FAIL = ["asset = raw.fx", "asset = partner_rates", "class = data", 'error ~ "429"', "class = transient and column = x",
        "dashboard = exec", "connector = air", "asset = raw?partner_rate", ""]  # fmt: skip


@pytest.mark.parametrize(("rule", "why"), HOLD.items())
def test_a_rule_holds_and_says_why(rule: str, why: str) -> None:
    found = matches(rule, CASE)
    assert found is not None
    assert why in found.text


@pytest.mark.parametrize("rule", FAIL)
def test_a_rule_does_not_hold(rule: str) -> None:
    assert matches(rule, CASE) is None


def test_a_note_on_what_stands_upstream_is_reached_when_asked_for() -> None:
    found = matches("asset = raw.fx", CASE, reach=2)
    assert found is not None
    assert (found.distance, found.text) == (2, "about raw.fx, 2 steps upstream")


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("class = data\ntabel = x", "Line 2, character 1: “tabel” .* Possible: asset, column"),
        ("asset ~ x", "After asset comes = or in"),
        ("error = x", "After error comes ~"),
        ("asset =", "asset needs a value"),
        ('asset = "x', "never closed"),
        ('error ~ "("', "character 9: Cannot be used"),
        (r'error ~ "(a)\1"', "back-references are not possible"),
        ("class = data asset = x", "Another condition begins here"),
        (f'error ~ "{"x" * (PATTERN_LIMIT + 1)}"', "at most 500"),
        ("class = data\n" * 21, "at most 20 conditions"),
        ("x" * 4001, "at most 4000 characters"),
        ("drop table", "is nothing that a rule can ask"),
    ],
)
def test_a_rule_that_cannot_be_read_says_where_and_what_is_possible(rule: str, says: str) -> None:
    with pytest.raises(RuleError, match=says):
        parse(rule)


def test_a_hostile_pattern_costs_no_more_than_a_plain_one() -> None:
    case = Case(error="a" * 200_000)
    started = time.thread_time()
    assert matches('error ~ "^(a+)+$|(a|aa)*b"', case)
    assert matches("asset = *a*a*a*a*a*a*a*b", Case(assets={"a" * 300: 0})) is None
    assert time.thread_time() - started < 1


@pytest.mark.parametrize("name", ["raw.orders", "us forecast, v1", 'a"b', "x and y", "a|b", "SELECT * FROM t",
                                  "a?b", "a\\*b", "C:\\x y\\", "\\\\host\\?", 'a\\"b c'])  # fmt: skip
def test_the_rule_of_a_note_finds_its_own_asset_whatever_its_name(name: str) -> None:
    assert matches(rule_for(name), Case(assets={name: 0}))
    assert set(anchors(rule_for(name))) & set(keys(Case(assets={name: 0})))
    for mark in "*?":
        assert not matches(rule_for(name), Case(assets={name.replace(mark, "xx"): 0})) or mark not in name


@pytest.mark.parametrize("rule", [*HOLD, "asset = raw.fx"])
def test_a_case_has_the_key_of_every_rule_that_holds_for_it(rule: str) -> None:
    assert set(anchors(rule)) & set(keys(CASE))


def test_rules_are_kept_under_their_narrowest_condition() -> None:
    assert anchors("class = data\nasset = raw.sales") == ["asset:raw.sales"]
    assert anchors("class = data and asset = raw.*") == ["class:data"]
    assert anchors("asset = *_tmp") == ["asset^"]
    assert anchors("") == []
