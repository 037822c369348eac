"""Titles in plain words, from what real tools say."""

from __future__ import annotations

from typing import Any

import pytest

from incidents import wording
from incidents.bands import Finding
from integrations.values import AssetRef, NodeResult

ORDERS = AssetRef("iceberg://lake", "raw.orders")


SAID = {
    """Runtime Error in model a (a.sql)
  Binder Error: Referenced column "x" not found in FROM clause!""": "column x not found",
    """Traceback (most recent call last):
  File "ingest/deals.py", line 9, in <module>
psycopg.errors.InsufficientPrivilege: permission denied for table deals""": "permission denied for table deals",
    """Encountered an error:
Compilation Error
  Model 'm.shop.b' (b.sql) depends on a node named 'a' which was not found""": "it refers to a, which was not found",
    '\x1b[31mParser Error: syntax error at or near "then"\x1b[0m\nLINE 4': 'syntax error at or near "then"',
    "urllib.error.HTTPError: HTTP Error 503: Service Unavailable": "HTTP 503 Service Unavailable",
    'GET http://127.0.0.1:51629/v1/quotes?date=1 -> HTTP 503 Service Unavailable; Retry-After: 18; {"error": 1}': (
        "HTTP 503 Service Unavailable"
    ),
    'IO Error: Could not set lock on file "/srv/x/shop.duckdb": Conflicting lock is held in /bin/sh (PID 42)': (
        "another process holds shop.duckdb"
    ),
    "Out of Memory Error: failed to allocate data of size 8.0 MiB (99.9 MiB/106.8 MiB used)": "out of memory",
    "FileNotFoundError: [Errno 2] No such file or directory: '/home/etl/in/orders.csv'": (
        "[Errno 2] No such file or directory: 'orders.csv'"
    ),
    "ConnectionError: https://key@api.example:8443/v2/rates?token=s3cret timed out (PID 77)": "rates timed out",
    "": "",
}


@pytest.mark.parametrize(("said", "read"), SAID.items())
def test_the_cause_is_the_line_that_says_it(said: str, read: str) -> None:
    assert wording.cause(said) == read


@pytest.mark.parametrize(
    ("node", "failures", "title"),
    [
        ("test.shop.source_unique_raw_orders_order_id.1a", 2431, "raw.orders has 2,431 repeated order_id"),
        ("test.shop.source_not_null_raw_orders_customer_id.1a", 5, "raw.orders has 5 rows without customer_id"),
        ("test.shop.accepted_values_orders_status__new__paid.1a", 1, "raw.orders has 1 unexpected values of status"),
        ("test.shop.revenue_is_positive", 3, "raw.orders fails the test revenue_is_positive (3 found)"),
        ("test.shop.revenue_is_positive", None, "raw.orders fails the test revenue_is_positive"),
    ],
)
def test_a_failing_test_says_what_it_counted(node: str, failures: int | None, title: str) -> None:
    assert wording.of_result(ORDERS.name, NodeResult(ORDERS, "failed", node, "test", failures=failures)) == title


def test_one_error_has_one_shape_whatever_its_numbers() -> None:
    first, second = (wording.shape(f"could not connect to 10.0.0.{n}, request {n * 7}") for n in (1, 2))
    assert first == second != wording.shape("could not connect to the lake")


def test_a_title_is_never_too_long() -> None:
    assert len(wording.of_job("j" * 400, "x" * 5000)) == wording.TITLE_LIMIT


@pytest.mark.parametrize(
    ("check", "more", "title"),
    [
        ("category:currency", {"new": ("JPY",)}, "raw.orders: new currency (JPY)"),
        ("category:currency", {"new": tuple("ABCD")}, "raw.orders: new currency (A, B, C …)"),
        ("keys:order_id", {"now": "1,204"}, "raw.orders has 1,204 repeated order_id"),
        ("nulls:store_id", {"now": "4%"}, "Null store_id in 4% of raw.orders"),
        ("total:amount", {"value": 3800.0, "high": 200.0, "middle": 100.0}, "raw.orders: amount is 38× too high"),
        ("mean:amount", {"value": 60.0, "low": 100.0, "high": 120.0},
         "raw.orders: average amount is 40% under its band"),
        ("rows", {"value": 900, "now": "900", "usual": "2,310 to 2,690"},
         "raw.orders: 900 rows came, usually 2,310 to 2,690"),
        ("rows", {"value": 0, "usual": "2,310"}, "raw.orders: no rows came, usually 2,310"),
        ("table_rows", {"value": 0}, "raw.orders is empty"),
        ("schema", {"now": "price gone"}, "raw.orders: column price gone"),
        ("distinct:note", {"value": 0.1, "low": 0.5}, "raw.orders: values of note began to repeat"),
        ("freshness", {"now": "27.0 h"}, "raw.orders is late: no load for 27.0 h"),
    ],
)  # fmt: skip
def test_findings_of_our_detectors_have_titles_in_plain_words(check: str, more: dict[str, Any], title: str) -> None:
    told = {"what": "It", "usual": "", "now": "", **more}
    assert wording.of_finding("raw.orders", Finding(check, check.partition(":")[2], **told)) == title
