"""Evidence of INC-1042, one of each kind, in the shapes that incidents/evidence.py documents."""

from __future__ import annotations

from typing import Any

from incidents.models import Evidence, Incident

LOG = """02:47:09 START test revenue_daily_within_28d_band
02:47:12 FAIL 1 revenue_daily_within_28d_band: got 3118402.40
          expected between 71200.00 and 93600.00
02:47:12 PASS not_null_revenue_daily_business_date
02:47:14 WARN distinct currency in raw.sales: USD 636, JPY 212"""

WHEN = "2026-11-18T09:00:00+00:00"
NODES = [
    ("raw.sales", 0, "root", "212 JPY rows", "table"),
    ("ref.fx_daily", 0, "healthy", "fresh 00:10", "table"),
    ("stg_sales", 1, "affected", "reads as USD", "model"),
    ("stg_fx", 1, "healthy", "healthy", "model"),
    ("int_sales_day", 2, "affected", "38× value", "model"),
    ("int_orders_usd", 2, "affected", "38× value", "model"),
    ("int_store_sales_daily", 2, "affected", "31× value", "model"),
    ("int_rates", 2, "healthy", "healthy", "model"),
    *[(f"mart.m{n}", 3, "affected", "38× value", "model") for n in range(8)],
    ("mart.revenue_daily", 3, "affected", "test failed", "model"),
    ("Revenue daily", 4, "affected", "dashboard", "dashboard"),
    ("Exec weekly", 4, "affected", "dashboard", "dashboard"),
    ("Treasury", 4, "healthy", "dashboard", "dashboard"),
]
EDGES = [
    ("raw.sales", "stg_sales"), ("ref.fx_daily", "stg_fx"), ("ref.fx_daily", "stg_sales"),
    ("stg_sales", "int_sales_day"), ("stg_sales", "int_orders_usd"), ("stg_sales", "int_store_sales_daily"),
    ("stg_fx", "int_rates"), ("int_sales_day", "mart.revenue_daily"), ("int_orders_usd", "mart.m0"),
    ("int_store_sales_daily", "mart.m1"), ("mart.revenue_daily", "Revenue daily"), ("mart.m0", "Exec weekly"),
]  # fmt: skip
# label, kind, title, source, trust, body
ITEMS: list[tuple[str, str, str, str, str, dict[str, Any]]] = [
    ("E1", "log", "Log of run dbt-88214", "run dbt-88214", "untrusted",
     {"lines": [{"n": 311 + n, "text": text, "hit": n in {1, 2, 4}} for n, text in enumerate(LOG.split("\n"))]}),
    ("E2", "lineage", "Lineage from raw.sales", "lineage of the last manifest", "system",
     {"nodes": [{"uri": n, "name": n, "depth": d, "state": s, "note": t, "kind": k} for n, d, s, t, k in NODES],
      "edges": [list(edge) for edge in EDGES]}),
    ("E3", "runs", "Last runs of mart.revenue_daily", "run history", "system",
     {"of": "mart.revenue_daily", "passed": 29, "warned": 0, "failed": 1, "median_seconds": 213.0, "last_good": None,
      "rows": [{"version": "5", "at": WHEN, "rows": 848, "known_bad": False}], "band": {"low": 790, "high": 912},
      "runs": [{"id": f"dbt-{88185 + n}", "status": "failed" if n == 29 else "success", "at": WHEN,
                "seconds": 210 + 13 * (n % 7)} for n in range(30)]}),
    ("E4", "profile", "raw.sales: same columns, different content", "profile of two versions", "system",
     {"asset": "iceberg://lake/raw.sales", "version": "8264419170335512", "rows": 848, "columns": [
         {"column": "currency", "check": "categories", "what": "a value never seen", "usual": "USD 100%",
          "now": "USD 75%, JPY 25%", "share": 0.25, "rows": 212, "new": ["JPY"]}]}),
    ("E5", "changes", "Commits in 30 days that touch this path", "git", "system",
     {"since": "91d3e5b000", "now": "4b1f09c2d1", "commits": [
         {"sha": "4b1f09c2d1", "subject": "Add late-arriving flag to int_orders_usd", "author": "analytics",
          "at": WHEN, "paths": ["models/int_orders_usd.sql"], "touches": [], "is_suspect": False}]}),
    ("E6", "similar", "Similar incidents", "our own history", "system",
     {"incidents": [{"number": 1031, "title": "EUR appears in raw.refunds", "action": "quarantine", "opened_at": WHEN,
                     "status": "resolved", "resolution": "fixed", "why": "same cause"}]}),
    ("E7", "schema", "raw.sales before and after", "schema of two versions", "system",
     {"asset": "iceberg://lake/raw.sales", "before": "82644", "after": "82645", "same": 7, "columns": [
         {"name": "discount_pct", "before": "double", "after": "", "change": "renamed", "to": "discount_rate"}]}),
    ("E8", "comments", "raw.sales: what is written about 1 column", "columns of raw.sales", "untrusted",
     {"asset": "iceberg://lake/raw.sales", "columns": [{"name": "amount", "comment": "<b>In cents</b>\u202e"}]}),
    ("K1", "knowledge", "Annotation on raw.sales", "annotation 4", "human",
     {"text": "Tokyo stores join the feed in Q4. Hold rows whose code is not in `currency_map`.",
      "author": "Platform lead", "at": WHEN, "distance": 0}),
]  # fmt: skip


def add_evidence(incident: Incident) -> None:
    Evidence.objects.bulk_create(
        Evidence(incident=incident, label=label, kind=kind, title=title, source=source, trust=trust, body=body)
        for label, kind, title, source, trust, body in ITEMS
    )
