"""What the demo calls its things, and a way to call all of them otherwise.

The faults and the rest of Countersign must not live from the demo's names: a test renames every table, column and file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from random import Random

TABLES = ("orders", "payments", "refunds", "deals", "rates", "planning_sheet", "accounts")
COLUMNS = (
    *("order_id", "customer_id", "ordered_on", "sales_channel", "ship_country", "order_status", "item_count"),
    *("payment_id", "paid_on", "currency", "amount", "pay_method", "exported_at"),
    *("refund_id", "refunded_on", "refund_amount", "refund_reason"),
    *("deal_id", "account_id", "account_name", "segment", "stage", "deal_usd", "closed_on"),
    *("rate_date", "usd_rate", "plan_date", "target_usd", "customer_ref"),
    *("paid_usd", "refund_usd", "order_usd", "order_rank", "revenue_date", "payment_count", "gross_usd"),
    *("returned_usd", "net_usd", "order_count", "channel_label", "first_order_on", "lifetime_usd"),
    *("lower_usd", "middle_usd", "upper_usd", "actual_usd", "deal_count", "won_usd"),
)
FILES = (
    *("load_orders", "load_payments", "load_refunds", "load_deals", "load_rates", "load_planning_sheet"),
    "table_writer",
    *("stg_orders", "stg_payments", "stg_refunds", "stg_deals", "stg_rates", "stg_planning"),
    *("int_payments_usd", "int_refunds_usd", "int_customer_orders"),
    *("fct_orders", "revenue_daily", "revenue_by_country", "revenue_by_channel", "customer_value"),
    *("revenue_bounds", "plan_vs_actual", "deals_won"),
)
JOBS = (
    *("ingest_orders", "ingest_payments", "ingest_refunds", "ingest_deals", "ingest_rates", "ingest_planning_sheet"),
    "ledger",
    *("finance_morning_report", "growth_dashboard", "sales_board"),
)
WORDS = (*TABLES, *COLUMNS, *FILES, *JOBS)
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Names:
    """A whole-word substitution; what it does not name stays."""

    words: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, word: str) -> str:
        return self.words.get(word, word)

    def text(self, text: str) -> str:
        """`text` with every known word replaced, also inside the variables that pin a table's snapshot."""
        return WORD.sub(lambda found: self._word(found.group()), text)

    def path(self, path: PurePosixPath) -> PurePosixPath:
        return PurePosixPath(*(self.text(part) for part in path.parts))

    def _word(self, word: str) -> str:
        pin = "SNAPSHOT_RAW_"
        if word.startswith(pin):
            return pin + self(word.removeprefix(pin).lower()).upper()
        return self(word)


DEFAULT = Names()


def scrambled(seed: int) -> Names:
    """Every word of the demo as another one that says nothing: `t_kovape`, the same for the same seed."""
    random = Random(seed)  # noqa: S311 -- names, not secrets
    words: dict[str, str] = {}
    for word in WORDS:
        fresh = ""
        while not fresh or fresh in words.values():
            syllables = (random.choice("bdfgklmnprsvz") + random.choice("aeiou") for _ in range(4))
            fresh = random.choice("tvw") + "_" + "".join(syllables)
        words[word] = fresh
    words["customer_ref"] = words["customer_id"] + "_ref"  # a rename upstream keeps a part of the name
    return Names(words)
