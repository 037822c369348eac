from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.core.audit import Actor
from app.core.errors import Invalid, NotAllowed
from app.core.models import AuditRecord, User
from knowledge import queries
from knowledge.archive import archive, restore
from knowledge.drafts import autosave, forget
from knowledge.hints import Contact, DoNotTouch, ExpectedChange, Header, Hint, MustApprove
from knowledge.models import Entry
from knowledge.recall import recall
from knowledge.rule import Case, RuleError
from knowledge.sign import sign
from knowledge.write import Clash, Content, create, update

NOTE = Content("annotation", "Orders", "asset = raw.orders", "They come late on Mondays.")
CASE = Case(assets={"raw.orders": 0})
EXPECTED, HEADER = ExpectedChange("amount", "up", 1, 2), Header("X-Key", "vault://lake/key", "example.com")
LOOSE: list[Hint] = [EXPECTED, HEADER]


def who(person: User) -> dict[str, Any]:
    return {"by": person, "actor": Actor.of(person), "source": "web"}


def with_hints(*hints: Hint, **more: Any) -> Content:
    return replace(NOTE, hints=hints, **more)


def test_every_version_is_kept_whole_and_recorded(operator: User) -> None:
    made = create(NOTE, **who(operator))
    now = update(made, replace(NOTE, body="On Tuesdays."), version=1, **who(operator))
    assert (now.version, now.body, now.state) == (2, "On Tuesdays.", "signed")
    assert [(row.number, row.body, row.by, row.door) for row in now.revisions.all()] == [
        (2, "On Tuesdays.", operator, "web"),
        (1, NOTE.body, operator, "web"),
    ]
    events = AuditRecord.objects.filter(event__startswith="knowledge.").order_by("pk").values_list("event", flat=True)
    assert list(events) == ["knowledge.written", "knowledge.changed"]


def test_two_people_who_edit_at_once_lose_nothing(operator: User, approver: User) -> None:
    made = create(NOTE, **who(operator))
    update(made, replace(NOTE, body="Mine."), version=1, **who(operator))
    with pytest.raises(Clash) as clash:
        update(made, replace(NOTE, body="Yours."), version=1, **who(approver))
    assert (clash.value.status, clash.value.theirs.body, clash.value.theirs.by) == (409, "Mine.", operator)
    assert Content.of(clash.value.theirs).body == "Mine."
    assert Entry.objects.get().body == "Mine."


@pytest.mark.parametrize(
    "change",
    [{"title": " "}, {"title": "x" * 201}, {"title": "a\nb"}, {"body": "x" * 40_001}, {"kind": "poem"},
     {"readers": ("king",)}, {"body": "a\0b"}],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused(operator: User, change: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        create(replace(NOTE, **change), **who(operator))


def test_a_rule_that_cannot_be_read_is_refused_with_its_place(operator: User) -> None:
    with pytest.raises(RuleError, match="Line 2, character 1"):
        create(replace(NOTE, rule="class = data\ntabel = x"), **who(operator))


def test_only_the_author_the_owner_and_managers_change_it(operator: User, viewer: User, approver: User) -> None:
    made = create(NOTE, **who(approver))
    for stranger in (operator, viewer):
        with pytest.raises(NotAllowed):
            update(made, NOTE, version=1, **who(stranger))
        with pytest.raises(NotAllowed):
            archive(made, **who(stranger))
    owned = update(made, replace(NOTE, owner=operator), version=1, **who(approver))
    assert update(owned, replace(NOTE, owner=operator), version=2, **who(operator)).version == 3


@pytest.mark.parametrize("hint", LOOSE)
def test_a_hint_that_loosens_safety_needs_an_administrator(
    operator: User, approver: User, administrator: User, hint: Hint
) -> None:
    with pytest.raises(NotAllowed, match="An administrator has to sign that"):
        create(with_hints(hint), **who(approver))
    draft = create(with_hints(hint), draft=True, **who(operator))
    with pytest.raises(NotAllowed):
        sign(draft, version=1, **who(approver))
    assert recall(CASE) == []
    assert sign(draft, version=1, **who(administrator)).state == "signed"
    with pytest.raises(NotAllowed):  # the same hint, for everything
        update(draft, with_hints(hint, rule="asset = *"), version=1, **who(operator))
    assert update(draft, with_hints(hint, body="Other words."), version=1, **who(operator)).version == 2


def test_what_holds_others_back_is_lifted_by_an_administrator_alone(
    operator: User, approver: User, administrator: User
) -> None:
    hold, both = DoNotTouch("Audited."), MustApprove(("carla", "role:approver"))
    made = create(with_hints(hold, both), **who(operator))
    for weaker in (
        with_hints(both),
        with_hints(hold, MustApprove(("carla",))),
        with_hints(hold, both, rule="asset = x"),
        with_hints(hold, both, readers=("auditor",)),
    ):
        with pytest.raises(NotAllowed):
            update(made, weaker, version=1, **who(approver))
    with pytest.raises(NotAllowed):
        archive(made, **who(approver))
    assert archive(made, **who(administrator)).state == "archived"


def test_a_draft_is_used_once_somebody_signed_the_version_that_they_read(operator: User, approver: User) -> None:
    draft = create(with_hints(Contact("Carla")), draft=True, **who(operator))
    assert recall(CASE) == []
    update(draft, with_hints(Contact("Carlo")), version=1, **who(operator))
    with pytest.raises(Invalid, match="at version 2"):
        sign(draft, version=1, **who(approver))
    signed = sign(draft, version=2, **who(approver))
    assert (signed.signed_by, signed.owner, [hit.entry for hit in recall(CASE)]) == (approver, approver, [signed])
    with pytest.raises(Invalid):
        sign(signed, version=2, **who(approver))


def test_archived_it_is_used_no_more_and_comes_back_as_a_draft(operator: User) -> None:
    made = create(NOTE, **who(operator))
    archive(made, reason="Moved to the wiki.", **who(operator))
    assert recall(CASE) == []
    with pytest.raises(Invalid, match="archived"):
        update(made, NOTE, version=1, **who(operator))
    assert restore(made, **who(operator)).state == "draft"
    assert recall(CASE) == []


def test_who_may_not_see_an_entry_finds_it_nowhere(operator: User, viewer: User, auditor: User, approver: User) -> None:
    made = create(replace(NOTE, readers=("auditor",)), **who(operator))
    for person, sees in ((operator, True), (auditor, True), (approver, True), (viewer, False)):
        assert [hit.entry for hit in recall(CASE, person)] == ([made] if sees else [])
        assert list(queries.entries(person)) == ([made] if sees else [])
        assert (queries.entry(person, made.pk) is not None) is sees
    assert recall(CASE) == []  # everybody reads a diagnosis


def test_what_was_typed_survives_until_it_is_saved(operator: User, approver: User) -> None:
    made = create(NOTE, **who(operator))
    autosave(operator, made, {"body": "half a sen"}, base_version=1)
    autosave(operator, made, {"body": "half a sentence"}, base_version=1)
    autosave(operator, None, {"title": "New"})
    kept = queries.draft(operator, made)
    assert kept is not None
    assert (kept.content, kept.base_version) == ({"body": "half a sentence"}, 1)
    assert queries.draft(approver, made) is None
    update(made, NOTE, version=1, **who(operator))
    assert queries.draft(operator, made) is None
    forget(operator, None)
    assert queries.draft(operator, None) is None
