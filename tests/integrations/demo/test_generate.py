"""The shop's business: reproducible, and quiet from day to day."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from integrations.demo import generate

DAYS = [date(2026, 3, 1) + timedelta(days=n) for n in range(8)]


def test_the_same_seed_and_day_give_the_same_rows() -> None:
    assert generate.day(1, DAYS[0], 50) == generate.day(1, DAYS[0], 50)
    assert generate.day(1, DAYS[0], 50) != generate.day(2, DAYS[0], 50)


def test_keys_are_unique_over_days() -> None:
    keys = [row[0] for when in DAYS for row in generate.day(1, when, 200).orders]
    assert len(set(keys)) == len(keys) == 8 * 200


def test_every_payment_is_of_an_order_and_every_refund_of_a_payment() -> None:
    business = generate.day(1, DAYS[0], 300)
    assert {row[1] for row in business.payments} <= {row[0] for row in business.orders}
    assert {row[1] for row in business.refunds} <= {row[0] for row in business.payments}


def test_the_days_total_and_the_shares_of_currencies_hardly_move() -> None:
    shares, totals = [], []
    for when in DAYS:
        paid = generate.day(1, when, 2_500).payments
        shares.append(sum(row[3] == "EUR" for row in paid) / len(paid))
        totals.append(float(sum(Decimal(str(row[4])) for row in paid)))
    assert max(shares) - min(shares) < 0.05
    assert max(totals) / min(totals) < 1.1


def test_rates_stay_within_one_percent_of_the_usual() -> None:
    for when in DAYS:
        for code, quote in generate.quotes(1, when).items():
            assert abs(quote / generate.RATES[code] - 1) < Decimal("0.01")
