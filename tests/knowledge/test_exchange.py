from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from app.core.audit import Actor
from app.core.errors import Invalid
from app.core.models import User
from knowledge.exchange.folder import read_folder, write_folder
from knowledge.exchange.front import dump, load
from knowledge.exchange.table import read_table, write_table
from knowledge.exchange.take import Bringer, same
from knowledge.hints import Contact, DoNotTouch, ExpectedChange, RetryWindow
from knowledge.models import Entry
from knowledge.write import Content, create

HINTS = (RetryWindow("inside", "02:47", "03:12", most_retries=1), Contact("Dolores", "#planning"))
BODY = "# Rates\n\nThey answer at night.\n---\nnot front matter\n\n- a: b"
FULL = Content("runbook", 'Rates: "only" at night', 'error ~ "5\\d\\d"\nasset = raw.rates', BODY, HINTS,
               ("operator", "approver"), date(2027, 2, 14))  # fmt: skip


def bring(person: User) -> Bringer:
    return Bringer(person, Actor.of(person), "command")


def keep(content: Content, by: User) -> Entry:
    return create(content, by=by, actor=Actor.of(by), source="web")


def test_a_file_says_all_that_an_entry_says(operator: User) -> None:
    content = replace(FULL, owner=operator)
    text = dump(content, 12)
    assert text.startswith("---\nid: 12\nkind: runbook\n")
    read = load(text, "a.md")
    assert (read.entry, read.content) == (12, content)
    assert dump(read.content, 12) == text


def test_a_plain_file_is_a_note_with_its_heading_as_the_title() -> None:
    read = load("# What we know\r\n\r\nIt is late.\r\n", "x/late.md")
    assert (read.content.title, read.content.body) == ("What we know", "# What we know\n\nIt is late.")
    assert load("It is late.", "x/why-it-is-late.md").content.title == "why it is late"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("---\ntitle: x\n", "not closed"),
        ("---\n- a\n---\n", "names and values"),
        ("---\ntitle: [\n---\n", "cannot be read"),
        ("---\ntitel: x\n---\n", "unknown in the front matter: titel"),
        ("---\ntitle: x\nhints: [{kind: x}]\n---\n", "Hint 1: kind is one of"),
        ("---\nreview_by: soon\n---\n", "2027-02-14"),
        ("---\na: &a [x]\nb: *a\n---\n", "aliases are not read"),
        ("---\ntitle: !!python/object/apply:os.system [id]\n---\n", "cannot be read"),
        ("---\nreaders: king\n---\n", "a list of roles"),
        ("x" * 64_001, "at most 64000"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(db: None, text: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        load(text, "a.md")


def test_a_folder_goes_out_and_comes_in_again_without_a_change(tmp_path: Path, operator: User) -> None:
    keep(FULL, operator)
    keep(Content("annotation", "Orders", "asset = raw.orders", "Late."), operator)
    assert write_folder(tmp_path / "notes") == 2
    taken = read_folder(tmp_path / "notes", bring(operator))
    assert (taken.created, taken.changed, taken.same, taken.notes) == ([], [], 2, [])
    file = next((tmp_path / "notes").glob("orders-*.md"))
    file.write_text(file.read_text().replace("Late.", "Early."))
    (tmp_path / "notes" / "sub").mkdir()
    (tmp_path / "notes" / "sub" / "new.md").write_text("---\ntitle: New\nrule: asset = x\n---\nBody")
    (tmp_path / "notes" / "bad.md").write_text("---\nrule: tabel = x\n---\n")
    (tmp_path / "notes" / "link.md").symlink_to("/etc/passwd")
    for round_ in range(2):
        taken = read_folder(tmp_path / "notes", bring(operator))
        assert (taken.created, taken.changed) == ((["New"], ["Orders"]) if round_ == 0 else ([], []))
        (note,) = taken.notes
        assert "is nothing that a rule can ask" in note
    assert Entry.objects.get(title="Orders").body == "Early."
    assert Entry.objects.get(title="New").revisions.get().door == "command"


def test_what_would_loosen_safety_comes_in_as_a_draft(
    tmp_path: Path, operator: User, approver: User, administrator: User
) -> None:
    loose = Content("runbook", "Loose", "asset = x", "", (ExpectedChange("a", "up", 1, 2),))
    (tmp_path / "loose.md").write_text(dump(loose, 0))
    taken = read_folder(tmp_path, bring(approver))
    assert Entry.objects.get().state == "draft"
    assert "An administrator has to sign it" in taken.notes[0]
    Entry.objects.all().delete()
    read_folder(tmp_path, bring(administrator))
    assert Entry.objects.get().state == "signed"
    held = keep(Content("annotation", "Held", "asset = y", "", (DoNotTouch("Audit."),)), operator)
    (tmp_path / "held.md").write_text(dump(replace(Content.of(held), hints=()), held.pk))
    assert "not taken" in read_folder(tmp_path, bring(approver)).notes[0]
    held.refresh_from_db()
    assert held.hints


def test_another_ones_entry_is_not_changed_by_naming_it(tmp_path: Path, operator: User, approver: User) -> None:
    theirs = keep(Content("annotation", "Theirs", "asset = x", "Mine."), approver)
    (tmp_path / "a.md").write_text(dump(replace(Content.of(theirs), body="Yours."), theirs.pk))
    assert "not yours to change" in read_folder(tmp_path, bring(operator)).notes[0]
    theirs.refresh_from_db()
    assert theirs.body == "Mine."


def test_a_table_goes_out_and_comes_in(tmp_path: Path, operator: User) -> None:
    made = keep(replace(FULL, title="=HYPERLINK(1)", body="'quoted"), operator)
    path = tmp_path / "notes.csv"
    assert write_table(path) == 1
    assert "'=HYPERLINK" in path.read_text()  # no spreadsheet runs it
    taken = read_table(path, bring(operator))
    read = Entry.objects.get(origin="csv")
    assert (taken.created, same(Content.of(read), Content.of(made))) == (["=HYPERLINK(1)"], True)
    assert read_table(path, bring(operator)).same == 1
    path.write_text("title,rule,hints\nA,tabel = x,\nB,,{\nC,,\n")
    taken = read_table(path, bring(operator))
    assert taken.created == ["C"]
    assert [note[:6] for note in taken.notes] == ["Row 2:", "Row 3:"]
    path.write_text("name\nx\n")
    with pytest.raises(Invalid, match="title"):
        read_table(path, bring(operator))
