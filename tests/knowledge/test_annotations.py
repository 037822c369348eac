from __future__ import annotations

import pytest

from app.core.audit import Actor
from app.core.errors import Invalid, NotAllowed
from app.core.models import AuditRecord, User
from integrations.values import AssetRef
from knowledge.annotations import TEXT_LIMIT, annotate
from knowledge.models import Entry
from knowledge.recall import recall
from knowledge.rule import Case

ORDERS, RATES = AssetRef("lake", "raw.orders"), AssetRef("bank", "raw rates, daily")


def note(asset: AssetRef, text: str, by: User) -> Entry:
    return annotate(asset, text, by=by, actor=Actor.of(by), source="web", incident=7)


def test_a_note_is_kept_with_its_author_and_recorded(operator: User) -> None:
    made = note(ORDERS, "  Sales adds 10 % on purpose. ", operator)
    assert (made.body, made.author, made.incident_number) == ("Sales adds 10 % on purpose.", operator, 7)
    assert (made.kind, made.rule, made.state) == ("annotation", "asset = raw.orders", "signed")
    assert made.revisions.get().body == made.body
    assert AuditRecord.objects.get(event="knowledge.annotated").correlation == 7


def test_a_viewer_may_not_write(viewer: User) -> None:
    with pytest.raises(NotAllowed):
        note(ORDERS, "Sales adds 10 %.", viewer)
    assert not Entry.objects.exists()


@pytest.mark.parametrize("text", ["", "   ", "x" * (TEXT_LIMIT + 1)])
def test_an_empty_or_endless_note_is_refused(operator: User, text: str) -> None:
    with pytest.raises(Invalid):
        note(ORDERS, text, operator)


def test_notes_come_back_nearest_first(operator: User) -> None:
    for asset, text in ((RATES, "far"), (ORDERS, "near")):
        note(asset, text, operator)
    found = recall(Case(assets={"raw.orders": 0, "raw rates, daily": 2}))
    assert [(hit.entry.body, hit.distance, hit.applies) for hit in found] == [("near", 0, True), ("far", 2, False)]


def test_an_archived_note_is_forgotten(operator: User) -> None:
    made = note(ORDERS, "near", operator)
    Entry.objects.filter(pk=made.pk).update(state="archived")
    assert recall(Case(assets={"raw.orders": 0})) == []
