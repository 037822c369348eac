from __future__ import annotations

import pytest

from app.core.audit import Actor
from app.core.errors import Invalid, NotAllowed
from app.core.models import AuditRecord, User
from integrations.values import AssetRef
from knowledge.annotations import TEXT_LIMIT, annotate
from knowledge.models import Annotation
from knowledge.recall import recall

ORDERS, RATES, TWIN = (AssetRef("lake", "raw.orders"), AssetRef("bank", "raw.rates"), AssetRef("bank", "raw.orders"))


def note(asset: AssetRef, text: str, by: User) -> Annotation:
    return annotate(asset, text, by=by, actor=Actor.of(by), source="web", incident=7)


def test_a_note_is_kept_with_its_author_and_recorded(operator: User) -> None:
    made = note(ORDERS, "  Sales adds 10 % on purpose. ", operator)
    assert (made.text, made.author, made.incident_number) == ("Sales adds 10 % on purpose.", operator, 7)
    assert AuditRecord.objects.get(event="knowledge.annotated").correlation == 7


def test_a_viewer_may_not_write(viewer: User) -> None:
    with pytest.raises(NotAllowed):
        note(ORDERS, "Sales adds 10 %.", viewer)
    assert not Annotation.objects.exists()


@pytest.mark.parametrize("text", ["", "   ", "x" * (TEXT_LIMIT + 1)])
def test_an_empty_or_endless_note_is_refused(operator: User, text: str) -> None:
    with pytest.raises(Invalid):
        note(ORDERS, text, operator)


def test_notes_come_back_nearest_first_and_only_for_their_own_asset(operator: User) -> None:
    for asset, text in ((RATES, "far"), (ORDERS, "near"), (TWIN, "another asset of the same name")):
        note(asset, text, operator)
    found = recall({ORDERS: 0, RATES: 2})
    assert [(each.text, each.distance, each.author) for each in found] == [
        ("near", 0, "operator"),
        ("far", 2, "operator"),
    ]


def test_an_archived_note_is_forgotten(operator: User) -> None:
    made = note(ORDERS, "near", operator)
    Annotation.objects.filter(pk=made.pk).update(archived_at=made.created_at)
    assert recall({ORDERS: 0}) == []
