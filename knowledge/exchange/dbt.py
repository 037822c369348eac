"""What a dbt project says of its own models, as read-only entries: descriptions and `meta`."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import transaction
from django.db.models.functions import Now

from app.core import audit
from app.core.audit import SYSTEM
from app.core.errors import Invalid
from integrations.values import AssetFact
from knowledge.exchange.take import same
from knowledge.models import Entry
from knowledge.rule import rule_for
from knowledge.write import BODY_LIMIT, TITLE_LIMIT, Content, checked, keep

log = logging.getLogger(__name__)

SOURCE = "worker"
SHOWN = (str, int, float, bool)  # kinds of values of `meta` that are worth a line


def describe(facts: Iterable[AssetFact]) -> int:
    """Keep the descriptions of a manifest; one that is gone is archived. Returns how many changed."""
    told = {ref: content for fact in facts if (ref := _ref(fact)) and (content := _content(fact)) is not None}
    silent = {ref for fact in facts if (ref := _ref(fact))} - set(told)
    known = {row.origin_ref: row for row in Entry.objects.filter(origin="dbt", origin_ref__in={*told, *silent})}
    changed = 0
    for ref, content in told.items():
        row = known.get(ref) or Entry(origin="dbt", origin_ref=ref)
        if row.pk and row.state == "signed" and same(Content.of(row), content):
            continue
        try:
            checked(content)
        except Invalid as error:  # a name that no rule can say: the run that told of it must be kept
            log.warning("What dbt says of %s is left out: %s", ref, error)
            continue
        _keep(row, content)
        changed += 1
    for ref in silent & set(known):
        changed += _archive(known[ref])
    return changed


def _keep(row: Entry, content: Content) -> None:
    row.state, row.version = "signed", row.version + 1 if row.pk else 1
    with transaction.atomic():
        keep(row, content, "knowledge.imported", by=None, actor=SYSTEM, source=SOURCE)


def _archive(row: Entry) -> int:
    with transaction.atomic():
        gone = Entry.objects.filter(pk=row.pk, state="signed").update(state="archived", updated_at=Now())
        if gone:
            audit.record("knowledge.archived", row, actor=SYSTEM, source=SOURCE, reason="dbt no longer describes it.")
    return gone


def _ref(fact: AssetFact) -> str:
    return str(fact.meta.get("unique_id", ""))[:500]


def _content(fact: AssetFact) -> Content | None:
    """None where the project says nothing of it."""
    said = fact.meta.get("said") or {}
    lines = [f"- {name}: {value}" for name, value in sorted(said.items()) if isinstance(value, SHOWN)]
    body = "\n\n".join(part for part in (fact.description.strip(), "\n".join(lines)) if part)
    if not body:
        return None
    title = " ".join(f"{fact.asset.name}, as dbt describes it".split())[:TITLE_LIMIT]
    return Content("annotation", title, rule_for(fact.asset.name), body[:BODY_LIMIT].replace("\0", ""))
