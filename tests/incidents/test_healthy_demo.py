"""Forty healthy days of the demo's business, as loads and as a mart of them: no detector says anything."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import duckdb
import pyarrow as pa

from incidents.bands import Finding, Past
from incidents.detectors import DAYS, judge, unusual
from incidents.look import HISTORY, days_of
from integrations.demo import generate
from integrations.demo.names import DEFAULT
from integrations.duckdb.profile import profile
from integrations.values import as_json

FIRST, LENGTH, ORDERS, SEED = date(2026, 10, 1), 40, 400, 2017
TABLES = ("orders", "payments", "refunds", "planning_sheet")


def looked_at(rows: pa.Table, when: date) -> Past:
    with duckdb.connect() as connection:
        connection.register("source", rows)
        return Past(datetime.combine(when, time(6, 16), UTC), as_json(profile(connection, "source")))


def test_no_load_of_forty_healthy_days_is_unusual() -> None:
    past: dict[str, list[Past]] = {name: [] for name in TABLES}
    found: list[tuple[date, str, Finding]] = []
    for n in range(LENGTH):
        when = FIRST + timedelta(days=n)
        business = generate.day(SEED, when, ORDERS)
        for name in TABLES:
            rows = generate.table(getattr(business, name), generate.SCHEMAS[name], DEFAULT)
            now = looked_at(rows, when)
            found += [(when, name, finding) for finding in unusual(now, past[name])]
            past[name].append(now)
    assert found == []


def test_no_day_of_rates_that_hardly_move_is_unusual_and_a_tenth_more_is() -> None:
    past: list[Past] = []
    for n in range(LENGTH):
        when = FIRST + timedelta(days=n)
        assert unusual(rates(when), past) == []
        past.append(rates(when))
    jump = unusual(rates(FIRST + timedelta(days=LENGTH), Decimal("1.1")), past)
    assert [finding.check for finding in jump] == ["total:usd_rate"]


def rates(when: date, uplift: Decimal = Decimal(1)) -> Past:
    rows = list(generate.quotes(SEED, when, uplift).items())
    columns = {"currency": [code for code, _ in rows], "usd_rate": [quote for _, quote in rows]}
    return looked_at(pa.table({"rate_date": [when] * len(rows), **columns}), when)


def test_no_day_of_a_mart_over_forty_healthy_days_is_unusual() -> None:
    parts = [generate.day(SEED, FIRST + timedelta(days=n), ORDERS).payments for n in range(LENGTH)]
    tables = [generate.table(part, generate.SCHEMAS["payments"], DEFAULT) for part in parts]
    days = days_of(looked_at(pa.concat_tables(tables), FIRST + timedelta(days=LENGTH)))
    judged = [seen for n in range(9, len(days)) for seen in judge(days[n], days[max(0, n - HISTORY) : n], (), DAYS)]
    assert len(judged) > 50 and [seen.finding for seen in judged if seen.finding] == []
