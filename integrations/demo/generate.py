"""The shop's business, one day at a time: the same seed and day give the same rows, and days resemble each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from integrations.demo.names import Names

EPOCH = date(2020, 1, 1)  # ids count from here, so that a day's ids do not depend on the days before it
EXPORTED = time(5, 50)  # the shop exports the day at 05:50 UTC, before the jobs of 06:15
CUSTOMERS = 20_000
COUNTRIES = {"US": 0.46, "DE": 0.18, "GB": 0.16, "FR": 0.12, "CH": 0.08}
CURRENCY = {"US": "USD", "DE": "EUR", "FR": "EUR", "GB": "GBP", "CH": "CHF"}
RATES = {"EUR": Decimal("1.0840"), "GBP": Decimal("1.2710"), "CHF": Decimal("1.1230")}  # US dollars for one unit
SEGMENTS = ("enterprise", "mid-market", "small business")
ACCOUNTS = 300
CENT, MICRO = Decimal("0.01"), Decimal("0.000001")

Row = tuple[object, ...]
SCHEMAS = {
    "orders": pa.schema(
        [
            ("order_id", pa.int64()), ("customer_id", pa.int64()), ("ordered_on", pa.date32()),
            ("sales_channel", pa.string()), ("ship_country", pa.string()), ("order_status", pa.string()),
            ("item_count", pa.int32()), ("exported_at", pa.timestamp("us")),
        ]
    ),
    "payments": pa.schema(
        [
            ("payment_id", pa.int64()), ("order_id", pa.int64()), ("paid_on", pa.date32()), ("currency", pa.string()),
            ("amount", pa.decimal128(12, 2)), ("pay_method", pa.string()), ("exported_at", pa.timestamp("us")),
        ]
    ),
    "refunds": pa.schema(
        [
            ("refund_id", pa.int64()), ("payment_id", pa.int64()), ("refunded_on", pa.date32()),
            ("refund_amount", pa.decimal128(12, 2)), ("refund_reason", pa.string()),
            ("exported_at", pa.timestamp("us")),
        ]
    ),
    "planning_sheet": pa.schema(
        [
            ("plan_date", pa.date32()), ("ship_country", pa.string()), ("target_usd", pa.decimal128(14, 2)),
            ("exported_at", pa.timestamp("us")),
        ]
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Day:
    """What happened on one day, as rows in the order of `SCHEMAS` (deals: as the CRM holds them)."""

    date: date
    orders: tuple[Row, ...]
    payments: tuple[Row, ...]
    refunds: tuple[Row, ...]
    deals: tuple[Row, ...]
    planning_sheet: tuple[Row, ...]


def day(seed: int, when: date, orders: int) -> Day:
    """The business of one day with `orders` orders; ids are unique over all days while orders stay below 10,000."""
    random = Random(f"{seed}/{when.isoformat()}")  # noqa: S311 -- reproducible data, not secrets
    first, at = (when - EPOCH).days * 10_000, datetime.combine(when, EXPORTED)
    sold = tuple(_order(random, first + i, when, at) for i in range(orders))
    paid = tuple(_payment(random, row, when, at) for row in sold if row[5] != "cancelled")
    back = tuple(_refund(random, row, when, at) for row in random.sample(paid, max(1, len(paid) // 40)))
    deals = tuple(_deal(random, first + i, when, at) for i in range(60))
    goal = tuple((when, c, Decimal(round(orders * share * 61)).quantize(CENT), at) for c, share in COUNTRIES.items())
    return Day(when, sold, paid, back, deals, goal)


def _order(random: Random, number: int, when: date, at: datetime) -> Row:
    channel = random.choices(("web", "app", "partner"), (55, 35, 10))[0]
    country = random.choices(tuple(COUNTRIES), tuple(COUNTRIES.values()))[0]
    status = random.choices(("placed", "shipped", "delivered", "cancelled"), (30, 40, 26, 4))[0]
    return (number, random.randrange(1, CUSTOMERS), when, channel, country, status, random.randint(1, 6), at)


def _payment(random: Random, order: Row, when: date, at: datetime) -> Row:
    amount = Decimal(str(round(min(random.lognormvariate(3.8, 0.6), 900), 2))).quantize(CENT)
    method = random.choices(("card", "wallet", "invoice"), (70, 22, 8))[0]
    return (int(str(order[0])) * 10 + 1, order[0], when, CURRENCY[str(order[4])], amount, method, at)


def _refund(random: Random, payment: Row, when: date, at: datetime) -> Row:
    share = Decimal(random.choice(("1", "1", "0.5")))
    reason = random.choice(("damaged", "late", "changed mind"))
    return (payment[0], payment[0], when, (Decimal(str(payment[4])) * share).quantize(CENT), reason, at)


def _deal(random: Random, number: int, when: date, at: datetime) -> Row:
    account = random.randrange(1, ACCOUNTS + 1)
    amount = Decimal(str(round(min(random.lognormvariate(9.2, 0.5), 60_000), 2))).quantize(CENT)
    return (number, account, random.choices(("won", "lost"), (65, 35))[0], amount, when, at)


def quotes(seed: int, when: date, uplift: Decimal = Decimal(1)) -> dict[str, Decimal]:
    """US dollars for one unit of each currency on the day, within 1 % of its usual rate, times `uplift`."""
    random = Random(f"{seed}/rates/{when.isoformat()}")  # noqa: S311
    return {code: (rate * uplift * Decimal(str(round(random.uniform(0.992, 1.008), 4)))).quantize(MICRO)
            for code, rate in RATES.items()}  # fmt: skip


def table(rows: tuple[Row, ...], schema: pa.Schema, names: Names) -> pa.Table:
    columns = [pa.array([row[i] for row in rows], kind.type) for i, kind in enumerate(schema)]
    return pa.table(columns, names=[names(kind.name) for kind in schema])


def write(rows: pa.Table, target: Path) -> None:
    pq.write_table(rows, target)


def land(business: Day, landing: Path, names: Names, renames: Mapping[str, str] | None = None) -> Path:
    """Write the day's exports below `landing` and return their folder. What was there for the day is replaced.

    `renames` are columns that the shop now calls otherwise, in every export that has them.
    """
    folder = landing / business.date.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("orders", "payments", "refunds"):
        rows = table(getattr(business, name), SCHEMAS[name], names)
        renamed = rows.rename_columns([(renames or {}).get(column, column) for column in rows.column_names])
        write(renamed, folder / f"{names(name)}.parquet")
    sheet = table(business.planning_sheet, SCHEMAS["planning_sheet"], names)
    pa.csv.write_csv(sheet, folder / f"{names('planning_sheet')}.csv")
    return folder


def past(today: date, days: int) -> tuple[date, ...]:
    """The `days` dates before `today`, oldest first."""
    return tuple(today - timedelta(days=n) for n in range(days, 0, -1))
