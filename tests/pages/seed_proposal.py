"""Proposal 2 of INC-1042 with its report, in the shapes of approvals/plan.py and DESIGN.md section 10."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from app.core.models import User
from approvals.models import Decision, Proposal, Report
from approvals.plan import Plan, Step
from incidents.models import Incident

FINGERPRINT = "9f2c41d7b06e8a13" + "5d" * 24
DIFF = """--- a/models/staging/stg_sales.sql
+++ b/models/staging/stg_sales.sql
@@ -6,5 +6,7 @@
   s.store_id,
-  round(s.amount, 2) as amount_usd
+  round(s.amount * fx.to_usd, 2) as amount_usd
 from {{ source('raw', 'sales') }} s
+join {{ ref('stg_fx') }} fx on fx.currency = s.currency
+  and fx.rate_date = s.sold_on
"""
CHECKS = [
    ("tests", "Pipeline tests", "41 passed"),
    ("rows", "Row count within bounds", "848"),
    ("schema", "Schema unchanged", "14 of 14 models"),
    ("totals", "Revenue inside its 28-day band", "81,794"),
    ("downstream", "Downstream rebuilt on the branch", "2 of 2 dashboards"),
    ("undo", "Undo rehearsed", "41 s"),
]


def plan_of(incident: Incident, action: str = "quarantine") -> Plan:
    root = incident.root_asset.ref.uri

    def step(does_what: Any, title: str, where: Any, does: str = "", undo: str = "", **params: Any) -> Step:
        return Step(does_what, title, where, "lake", params, does or action, undo)

    return Plan(
        action=action, title="Hold 212 JPY rows of raw.sales, patch stg_sales", incident=incident.number,
        why="The band of `currency` does not know JPY.", root_asset=root, on_red="undo", targets=(root,),
        steps=(
            step("fork", "Branch `raw.sales` from the base snapshot", "staging", assets=[root]),
            step("change", "Hold 212 rows in `quarantine.sales_inc_1042`", "staging", "quarantine"),
            step("change", "Convert amounts in `stg_sales`", "staging", "patch_code", diff=DIFF, kind="apply_patch"),
            step("run", "Rebuild `stg_sales+`, 14 models, 41 tests", "staging"),
            step("publish", "Fast-forward `main` to the branch", "production",
                 undo="Reset `main` to the base snapshot. The table of held rows stays."),
            step("rerun", "Rebuild the affected models in production", "production", undo="Put the warehouse back."),
        ),
    )  # fmt: skip


def add_proposal(incident: Incident, cast: dict[str, User], *, signed_by: list[User], **fields: Any) -> Proposal:
    plan = plan_of(incident)
    values: dict[str, Any] = {
        "incident": incident, "number": 2, "action": plan.action, "title": plan.title, "plan": plan.as_json(),
        "risk": "medium", "risk_reason": "Finance-critical mart, but no row is deleted and undo takes 41 s.",
        "rehearsal": "branch", "status": "awaiting_decision", "fingerprint": FINGERPRINT,
        "base": {"lake": {plan.root_asset: "8264419170335512"}},
        "branches": [{"connection": "lake", "name": "fix-inc-1042", "base": {plan.root_asset: "8264419170335512"},
                      "head": {plan.root_asset: "8264419170340001"}, "bytes_written": 48213, "detail": {}}],
        "policy": {"quorum": 2, "roles": ["approver"], "rule": "Medium risk needs two people", "hash": "0" * 64},
        "effect": {"label": "Revenue, 19 Nov", "now": "$3,118,402", "branch": "$81,794", "expected": "71,200–93,600",
                   "line": "Revenue for 19 Nov goes from $3,118,402 to $81,794."},
        "requested_at": timezone.now() - timedelta(minutes=5),
        "expires_at": timezone.now() + timedelta(hours=3, minutes=12),
        "proposer": {"type": "rules", "id": "rules", "name": "Rules"},
    } | fields  # fmt: skip
    proposal = Proposal.objects.create(**values)
    add_report(proposal)
    for person in signed_by:
        Decision.objects.create(
            proposal=proposal, decision="approve", by=person, door="web", fingerprint=proposal.fingerprint
        )
    return proposal


def add_report(proposal: Proposal, *, red: str = "") -> Report:
    checks: list[dict[str, Any]] = [
        {"name": name, "title": title, "state": "bad" if name == red else "ok", "note": note, "body": {}}
        for name, title, note in CHECKS
    ]
    return Report.objects.create(
        proposal=proposal, checks=checks, green=not red, sha256="1" * 64, verifier="2" * 64, seconds=277.0,
        not_checked=["The dashboards themselves were not opened."], sections=sections(),
    )  # fmt: skip


def sections() -> dict[str, Any]:
    sample = [
        {"key": {"order_id": "SO-77120418"}, "change": "changed", "before": {"currency": "JPY", "amount_usd": 14800.0},
         "after": {"currency": "JPY", "amount_usd": 99.01}},
        {"key": {"order_id": "SO-77120431"}, "change": "removed", "before": {"currency": "JPY", "amount_usd": 3960.0},
         "after": None},
    ]  # fmt: skip
    rates = [{"column": "amount_usd", "changed": 212, "rate": 0.25}, {"column": "currency", "changed": 0, "rate": 0.0}]
    uri, name = "duckdb://wh/stg_sales", "stg_sales"
    counts = {"key": ["order_id"], "added": 0, "removed": 0, "changed": 212, "same": 636}
    code = {"path": "models/staging/stg_sales.sql", "added": 3, "removed": 1, "text": DIFF}
    return {
        "statements": {"steps": [], "code": [code]},
        "rows": [{"asset": uri, "name": name, **counts}],
        "columns": [{"asset": uri, "name": name, "rates": rates, "sample": sample}],
        "schema": [{"asset": uri, "name": name, "added": [], "removed": [], "retyped": [], "columns": 14}],
    }
