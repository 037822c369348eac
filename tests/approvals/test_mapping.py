"""A renamed source column: which bytes of a model change, and which do not."""

# ruff: noqa: E501 - one case a line

from __future__ import annotations

import pytest

from approvals.remedies.mapping import CannotEdit, Rename, edited
from approvals.remedies.mapping_yaml import edited_yaml
from approvals.remedies.schema_mapping import unified

RENAME = Rename(("raw", "deals"), "raw.deals", "deal_usd", "amount_usd")
SOURCE = "{{ source('raw', 'deals') }}"

CASES = [
    ("a bare item keeps its name outside", "select deal_id, deal_usd from S", "select deal_id, amount_usd as deal_usd from S"),
    ("an aliased item keeps its alias", "select deal_usd as x from S", "select amount_usd as x from S"),
    ("an expression only reads the new name", "select round(deal_usd, 2) as deal_usd from S where deal_usd > 0",
     "select round(amount_usd, 2) as deal_usd from S where amount_usd > 0"),
    ("an alias of the table stays", "select d.deal_usd, d.x from S d where d.deal_usd is not null",
     "select d.amount_usd as deal_usd, d.x from S d where d.amount_usd is not null"),
    ("a quoted name stays quoted", 'select "deal_usd" from S', 'select "amount_usd" as "deal_usd" from S'),
    ("upper case is the same column", "SELECT DEAL_USD FROM S", "SELECT amount_usd as DEAL_USD FROM S"),
    ("another table's column of that name stays", "select d.deal_usd, o.deal_usd as other from S d join o on o.id = d.id",
     "select d.amount_usd as deal_usd, o.deal_usd as other from S d join o on o.id = d.id"),
    ("a longer name stays", "select deal_usd_net, my_deal_usd, deal_usd from S",
     "select deal_usd_net, my_deal_usd, amount_usd as deal_usd from S"),
    ("text and comments stay", "select 'deal_usd' as label, deal_usd -- deal_usd of the deal\nfrom S",
     "select 'deal_usd' as label, amount_usd as deal_usd -- deal_usd of the deal\nfrom S"),
    ("grouping follows, ordering means the item", "select deal_usd, count(*) from S group by deal_usd order by deal_usd",
     "select amount_usd as deal_usd, count(*) from S group by amount_usd order by deal_usd"),
    ("ordering by what is not given out follows", "select deal_id from S order by deal_usd",
     "select deal_id from S order by amount_usd"),
    ("a star inside hands the new name on", "with s as (select * from S), r as (select id, deal_usd from s) select * from r",
     "with s as (select * from S), r as (select id, amount_usd as deal_usd from s) select * from r"),
    ("a named column inside ends it", "with s as (select deal_usd from S) select deal_usd from s",
     "with s as (select amount_usd as deal_usd from S) select deal_usd from s"),
    ("a subquery is a scope of its own", "select x.v from (select deal_usd as v from S) x", "select x.v from (select amount_usd as v from S) x"),
    ("a star at the end gives the old name out", "select * from S", "select * exclude (amount_usd), amount_usd as deal_usd from S"),
    ("another source is left alone", "select deal_usd from {{ source('raw', 'orders') }}", "select deal_usd from {{ source('raw', 'orders') }}"),
    ("a model is left alone", "select deal_usd from {{ ref('deals') }}", "select deal_usd from {{ ref('deals') }}"),
    ("Jinja keeps its place", "{{ config(materialized='table') }}\nselect {# deal_usd #} deal_usd from S\n{% if x %} where deal_usd > 1 {% endif %}",
     "{{ config(materialized='table') }}\nselect {# deal_usd #} amount_usd as deal_usd from S\n{% if x %} where amount_usd > 1 {% endif %}"),
    ("a window and a case follow", "select case when deal_usd > 9 then 1 end as big, sum(deal_usd) over (order by deal_usd) as t from S",
     "select case when amount_usd > 9 then 1 end as big, sum(amount_usd) over (order by amount_usd) as t from S"),
    ("both arms of a union follow", "select deal_usd from S union all select deal_usd from S", "select amount_usd as deal_usd from S union all select amount_usd as deal_usd from S"),
    ("a plain table name counts", "select deal_usd from raw.deals", "select amount_usd as deal_usd from raw.deals"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_only_what_comes_from_the_source_is_renamed(before: str, after: str) -> None:
    assert edited(before.replace(" S", f" {SOURCE}"), RENAME) == after.replace(" S", f" {SOURCE}")


@pytest.mark.parametrize(
    ("sql", "because"),
    [
        (f"select 1 from {SOURCE} d join o using (deal_usd)", "USING"),
        (f"select * exclude (x) from {SOURCE}", "exceptions"),
        (f"select deal_usd from from {SOURCE} where", "could not be read"),
    ],
)
def test_what_is_not_understood_is_left_to_a_person(sql: str, because: str) -> None:
    with pytest.raises(CannotEdit, match=because):
        edited(sql, RENAME)


def test_yaml_renames_the_columns_of_that_source_alone() -> None:
    text = """sources:
  - name: raw
    tables:
      - name: deals
        columns:
          - name: deal_usd   # dollars
            data_tests: [not_null]
      - name: orders
        columns: [{name: deal_usd}]
models:
  - name: stg_deals
    columns:
      - name: deal_usd
        data_tests:
          - relationships: {arguments: {to: "source('raw', 'deals')", field: deal_usd}}
"""
    after = edited_yaml(text, RENAME)
    changed = [line for line, new in zip(text.splitlines(), after.splitlines(), strict=True) if line != new]
    assert len(changed) == 2
    assert "- name: amount_usd   # dollars" in after
    assert "field: amount_usd" in after


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "a: &a\n  b: *a\n", "[" * 2000])
def test_yaml_that_holds_itself_or_never_ends_is_not_edited(text: str) -> None:
    with pytest.raises(CannotEdit):
        edited_yaml(text, RENAME)


def test_a_diff_of_a_file_without_a_last_newline_says_so() -> None:
    assert unified("m.sql", "select a", "select b").count("\\ No newline at end of file") == 2
    assert unified("m.sql", "same\n", "same\n") == ""
