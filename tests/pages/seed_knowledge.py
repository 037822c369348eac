"""The entries of the design's list, written by the verbs, with what became of the diagnoses that cited them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.utils import timezone

from app.core.audit import Actor
from app.core.models import User
from knowledge.capture import Lesson, draft_from
from knowledge.hints import Contact, Hint, RetryWindow
from knowledge.models import Citation, Entry
from knowledge.write import Content, create

WINDOW = (RetryWindow("inside", "02:47", "03:12", most_retries=1), Contact("partner-integrations"))
BODY = """## When this applies
`load_partner_rates` fails with "503 Service Unavailable".
The partner's API answers only from 02:47 to 03:12 UTC.

## What to do
1. Do nothing before 02:47 UTC.
2. Retry `load_partner_rates` once, inside the window.
3. If that fails too, ask partner-integrations.

## What not to do
- Do not retry before the window: each call uses quota.
- Do not fill in yesterday's rates.
"""
RATES = "Partner rates API answers only in its window"
# title, kind, rule, days until its review, cited, right, misled
ROWS = [
    ("Executives read Exec weekly on Mondays 07:00", "annotation", "dashboard = exec_weekly", 180, 3, 3, 0),
    ("Partner API back-off and quota", "runbook", "connector = webhook, status = 429", -9, 18, 9, 2),
    ("Discount columns follow the pricing release train", "annotation", "asset = stg_orders", 100, 6, 4, 0),
    ("Tokyo stores join the feed in Q4", "annotation", "asset = raw.sales", 21, 1, 1, 0),
    ("Executor out of memory on Spark", "runbook", 'error ~ "ExecutorLost|OOM"', 16, 22, 17, 0),
    (RATES, "runbook", 'error ~ "503"\nasset in raw.partner_rates', 86, 31, 30, 0),
    ("Currency in sales feeds", "runbook", "asset = raw.sales* and class = data", 43, 14, 11, 0),
]  # fmt: skip

# What the editor sends.
RULE = "asset = raw.sales\nclass = data"
FIELDS = {
    "title": "Partner rates", "kind": "runbook", "rule": RULE, "body": "Wait.\r\nThen retry.", "version": "1",
    "retry_window-when": "inside", "retry_window-start": "02:47", "retry_window-end": "03:12",
    "retry_window-zone": "UTC", "retry_window-days": "0,1,2,3,4,5,6", "retry_window-most_retries": "1",
    "contact-who": "partner-integrations", "review_by": "2027-02-14",
}  # fmt: skip


def write(by: User, title: str, rule: str = "", body: str = "", *hints: Hint, **more: Any) -> Entry:
    more = {"kind": "runbook", "owner": by, **more}
    incident, draft = more.pop("incident", None), more.pop("draft", False)
    content = Content(title=title, rule=rule, body=body, hints=hints, **more)
    return create(content, by=by, actor=Actor.of(by), source="web", draft=draft, incident=incident)


def entries(by: User) -> dict[str, Entry]:
    """By title."""
    made = {}
    for title, kind, rule, days, cited, right, misled in ROWS:
        is_rates = title == RATES
        due = timezone.now().date() + timedelta(days=days)
        hints = WINDOW if is_rates else ()
        entry = write(by, title, rule, BODY if is_rates else f"{title}.", *hints, kind=kind, review_by=due)
        cite(entry, cited, right, misled)
        made[title] = entry
    lesson = Lesson(1042, "raw.sales", "JPY amounts read as USD", words=("Stores 62-74 bill in JPY",), origin="model")
    draft = draft_from(lesson, by=None, actor=Actor("rules", "Rules", "service"), source="worker")
    return made | {draft.title: draft}


def cite(entry: Entry, cited: int, right: int, misled: int) -> None:
    outcomes = ["right"] * right + ["misled"] * misled + ["open"] * (cited - right - misled)
    rows = [
        Citation(entry=entry, version=1, diagnosis=entry.pk * 1000 + at, incident_number=1042, outcome=outcome)
        for at, outcome in enumerate(outcomes)
    ]
    Citation.objects.bulk_create(rows)


def sent(**more: str) -> dict[str, str]:
    return {**FIELDS, **{name.replace("__", "-"): value for name, value in more.items()}}


def value(page: str, name: str) -> str:
    found = re.search(rf'<input[^>]*name="{name}"[^>]*', page)
    return "" if not found else (re.search(r'value="([^"]*)"', found[0]) or ["", ""])[1]
