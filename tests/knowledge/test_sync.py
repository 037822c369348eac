"""Notes in a real git repository, both ways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core.audit import Actor
from app.core.models import AuditRecord, User
from integrations.models import Connection
from integrations.values import AssetFact, AssetRef
from knowledge.archive import archive
from knowledge.exchange.dbt import describe
from knowledge.exchange.repository import sync
from knowledge.exchange.take import Taken
from knowledge.hints import Contact, DoNotTouch
from knowledge.models import Copy, Entry
from knowledge.rights import may_edit
from knowledge.write import Content, create, update
from tests import factories
from tests.contracts.worlds import git, repository

NOTE = Content("annotation", "Orders", "asset = raw.orders", "They come late.", (Contact("Carla"),))


class Notes:
    """A repository with one note, and its connection."""

    def __init__(self, home: Path) -> None:
        self.path = repository(
            home, {"notes/late.md": "---\ntitle: Late\nrule: asset = raw.late\n---\nWait.\n", "a": "x"}
        )
        config = {"namespace": "git://notes", "path": str(self.path), "branch": "main", "knowledge": "notes"}
        self.connection = Connection.objects.create(name="notes", kind="git", config=config)

    def sync(self) -> Taken:
        return sync(self.connection, source="schedule")

    def commits(self) -> int:
        return int(git(self.path, "rev-list", "--count", "main"))

    def files(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in (self.path / "notes").glob("*.md")}

    def commit(self, **files: str | None) -> None:
        for name, text in files.items():
            path = self.path / "notes" / f"{name}.md"
            path.unlink() if text is None else path.write_text(text)
        git(self.path, "add", "-A")
        git(self.path, "commit", "-q", "-m", "by hand")


@pytest.fixture
def notes(tmp_path: Path, db: None) -> Notes:
    return Notes(tmp_path)


def who(person: User) -> dict[str, Any]:
    return {"by": person, "actor": Actor.of(person), "source": "web"}


def test_commits_come_in_and_what_is_saved_goes_out(notes: Notes, operator: User) -> None:
    made = create(NOTE, **who(operator))
    taken = notes.sync()
    assert taken.created == ["Late"]
    late = Entry.objects.get(title="Late")
    assert (late.origin, late.state, late.author, late.body) == ("git", "signed", None, "Wait.")
    assert AuditRecord.objects.get(event="knowledge.imported").actor["type"] == "service"
    name = f"orders-{made.pk}.md"
    assert "They come late." in notes.files()[name]
    assert git(notes.path, "status", "--porcelain") == ""  # a checked-out copy follows
    before = notes.commits()
    assert (notes.sync().created, notes.commits()) == ([], before)
    notes.commit(**{name[:-3]: notes.files()[name].replace("late.", "early.")})
    assert notes.sync().changed == ["Orders"]
    made.refresh_from_db()
    assert (made.body, made.version) == ("They come early.", 2)
    update(made, replace(NOTE, body="Never."), version=2, **who(operator))
    notes.sync()
    assert "Never." in notes.files()[name]
    assert notes.commits() == before + 2


def test_where_both_changed_both_are_kept_and_it_is_said(notes: Notes, operator: User) -> None:
    made = create(NOTE, **who(operator))
    notes.sync()
    name = f"orders-{made.pk}"
    notes.commit(**{name: notes.files()[f"{name}.md"].replace("They come late.", "Theirs.")})
    update(made, replace(NOTE, body="Ours."), version=1, **who(operator))
    taken = notes.sync()
    assert "Both are kept; theirs is a draft" in taken.notes[0]
    made.refresh_from_db()
    assert (made.body, made.version) == ("Ours.", 2)
    assert "Ours." in notes.files()[f"{name}.md"]
    theirs = Entry.objects.get(state="draft")
    assert theirs.title == "Orders (other version, from notes)"
    assert theirs.body.startswith("Theirs.")
    assert notes.sync().notes == []


def test_a_removed_file_archives_and_an_archived_entry_removes_its_file(notes: Notes, operator: User) -> None:
    made = create(NOTE, **who(operator))
    held = create(replace(NOTE, title="Held", hints=(DoNotTouch("Audit."),)), **who(operator))
    notes.sync()
    notes.commit(**{f"orders-{made.pk}": None, f"held-{held.pk}": None})
    taken = notes.sync()
    assert taken.archived == ["Orders"]
    assert "It lifts a do-not-touch" in taken.notes[0]
    assert f"held-{held.pk}.md" in notes.files()
    late = Entry.objects.get(title="Late")
    archive(late, **who(User.objects.create_user("root", roles=["administrator"])))
    notes.sync()
    assert "late.md" not in notes.files()
    assert not Copy.objects.filter(entry=late).exists()
    assert notes.sync().created == []


def test_what_only_some_may_see_does_not_go_out(notes: Notes, operator: User) -> None:
    made = create(NOTE, **who(operator))
    create(replace(NOTE, title="Secret", readers=("auditor",)), **who(operator))
    notes.sync()
    assert sorted(notes.files()) == ["late.md", f"orders-{made.pk}.md"]


def test_a_file_that_cannot_be_read_is_told_of_and_the_others_come(notes: Notes) -> None:
    notes.commit(bad="---\nrule: tabel = x\n---\n", good="# Good\n")
    taken = notes.sync()
    assert taken.created == ["Good", "Late"]
    assert "notes/bad.md" in taken.notes[0] or "Line 1" in taken.notes[0]


def test_a_file_cannot_name_a_draft_or_dbt_s_own_words_as_its_entry(notes: Notes, operator: User) -> None:
    secret = create(replace(NOTE, title="Not yet"), draft=True, **who(operator))
    describe([AssetFact(AssetRef("dbt://shop", "m"), "model", description="One row.", meta={"unique_id": "model.m"})])
    dbt = Entry.objects.get(origin="dbt")
    notes.commit(**{f"x{pk}": f"---\nid: {pk}\ntitle: Mine {pk}\n---\nx" for pk in (secret.pk, dbt.pk)})
    notes.sync()
    assert "They come late" not in str(notes.files()) and "One row" not in str(notes.files())
    assert not Copy.objects.filter(entry__in=[secret, dbt]).exists()


def test_a_model_that_cannot_be_described_does_not_keep_the_others_out(db: None) -> None:
    facts = [
        AssetFact(AssetRef("dbt://shop", name), "model", description="One row.", meta={"unique_id": name})
        for name in ("a b\\", "n" * 5000, "good")
    ]
    assert describe(facts) == 2
    assert [entry.rule for entry in Entry.objects.order_by("pk")] == ['asset = "a b\\\\"', "asset = good"]


def test_what_dbt_says_is_read_and_never_written(operator: User, administrator: User) -> None:
    orders = AssetFact(AssetRef("dbt://shop", "main.orders"), "model", description="One row per order.",
                       meta={"unique_id": "model.shop.orders", "said": {"sla": "07:00", "deep": {"x": 1}}})  # fmt: skip
    plain = AssetFact(AssetRef("dbt://shop", "main.x"), "model", meta={"unique_id": "model.shop.x"})
    assert (describe([orders, plain]), describe([orders, plain])) == (1, 0)
    entry = Entry.objects.get()
    assert (entry.rule, entry.body, entry.trust) == (
        "asset = main.orders", "One row per order.\n\n- sla: 07:00", "dbt",
    )  # fmt: skip
    assert not may_edit(administrator, entry)
    assert describe([replace(orders, description="One row per line.")]) == 1
    assert describe([replace(orders, description="", meta={"unique_id": "model.shop.orders"})]) == 1
    entry.refresh_from_db()
    assert (entry.version, entry.state) == (2, "archived")


def test_a_commit_makes_nobody_an_owner_unless_an_administrator_allowed_it(notes: Notes, operator: User) -> None:
    mallory = factories.user("mallory", "operator")
    made = create(replace(NOTE, owner=operator), **who(operator))
    notes.sync()
    name = f"orders-{made.pk}"
    theirs = notes.files()[f"{name}.md"].replace("owner: operator", "owner: mallory")
    late = "---\ntitle: Later\nowner: mallory\n---\nWait.\n"
    notes.commit(**{name: theirs.replace("come late", "come early"), "later": late})
    said = notes.sync().notes
    assert len([one for one in said if "may not make mallory its owner" in one]) == 2
    made.refresh_from_db()
    assert (made.owner, made.body, may_edit(mallory, made)) == (operator, "They come early.", False)
    assert Entry.objects.get(title="Later").owner is None
    assert "owner: operator" in notes.files()[f"{name}.md"] and "owner" not in notes.files()["later.md"]
    before = notes.commits()
    assert (notes.sync().notes, notes.commits()) == ([], before)
    notes.connection.config["owners"] = "carla, mallory"
    notes.connection.save()
    notes.commit(later=notes.files()["later.md"].replace("title: Later", "title: Later\nowner: mallory"))
    assert notes.sync().notes == []
    assert Entry.objects.get(title="Later").owner == mallory
