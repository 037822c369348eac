"""Evidence of INC-1042, one of each kind, in the shapes that incidents/evidence.py documents."""

from __future__ import annotations

from typing import Any

from incidents.models import Evidence, Incident

LOG = """02:47:09 START test revenue_daily_within_28d_band
02:47:12 FAIL 1 revenue_daily_within_28d_band: got 3118402.40
          expected between 71200.00 and 93600.00
02:47:12 PASS not_null_revenue_daily_business_date
02:47:14 WARN distinct currency in raw.sales: USD 636, JPY 212"""

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
     {"runs": [{"id": f"dbt-{88185 + n}", "status": "failed" if n == 29 else "success",
                "at": "2026-11-20T02:47:00+00:00",
                "seconds": 210 + n % 7} for n in range(30)]}),
    ("E4", "schema", "raw.sales: same columns, different content", "schema of two versions", "system",
     {"columns": [{"name": "currency", "before": "varchar", "after": "varchar"},
                  {"name": "amount", "before": "numeric", "after": "numeric"}], "added": [], "removed": []}),
    ("E5", "changes", "Commits in 30 days that touch this path", "git", "system",
     {"commits": [{"sha": "4b1f09c2d1", "subject": "Add late-arriving flag to int_orders_usd", "author": "analytics",
                   "at": "2026-11-18T09:00:00+00:00", "paths": ["models/int_orders_usd.sql"]}]}),
    ("E6", "similar", "Similar incidents", "our own history", "system",
     {"incidents": [{"number": 871, "title": "EUR appears in raw.refunds", "action": "quarantine",
                     "outcome": "approved", "score": 0.91}]}),
    ("K1", "knowledge", "Annotation on raw.sales", "annotation 4", "human",
     {"text": "Tokyo stores join the feed in Q4. Hold rows whose code is not in `currency_map`.",
      "author": "Platform lead", "at": "2026-09-11T10:00:00+00:00"}),
]  # fmt: skip


def add_evidence(incident: Incident) -> None:
    Evidence.objects.bulk_create(
        Evidence(incident=incident, label=label, kind=kind, title=title, source=source, trust=trust, body=body)
        for label, kind, title, source, trust, body in ITEMS
    )
