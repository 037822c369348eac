"""What strangers put into files, tables and requests: told of, and never more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from app.core.audit import Actor
from app.core.errors import Invalid
from app.core.models import User
from knowledge import api, write
from knowledge.exchange.folder import read_folder
from knowledge.exchange.front import load
from knowledge.exchange.table import read_table, write_table
from knowledge.exchange.take import Bringer
from knowledge.models import Draft, Entry
from knowledge.sign import sign
from knowledge.write import Content, create
from tests.knowledge.test_api import ADDRESS, client, send


def bring(person: User) -> Bringer:
    return Bringer(person, Actor.of(person), "command")


def who(person: User) -> dict[str, Any]:
    return {"by": person, "actor": Actor.of(person), "source": "web"}


@pytest.mark.parametrize(
    "head",
    [
        'title: !!int ""',
        "title: !!bool maybe",
        "title: !!timestamp soon",
        'title: !!float ""',
        "hints: [{kind: contact, who: x, 1: y, z: y}]",
        'title: "\\ud800"',
        'owner: "\\0"',
        'hints: [{kind: contact, who: "a\\0b"}]',
        'hints: [{kind: do_not_touch, reason: "\\udcff"}]',
    ],
)
def test_a_hostile_head_is_told_of_and_the_others_are_read(tmp_path: Path, operator: User, head: str) -> None:
    (tmp_path / "a.md").write_text(f"---\n{head}\n---\nx\n")
    (tmp_path / "b.md").write_text("Read me.\n")
    taken = read_folder(tmp_path, bring(operator))
    assert "b" in taken.created and len(taken.created) + len(taken.notes) == 2


def test_a_time_as_the_date_of_a_review_is_its_day(db: None) -> None:
    assert str(load("---\nreview_by: 2027-02-14 23:00:00\n---\nx", "a.md").content.review_by) == "2027-02-14"


def test_a_table_changes_nobody_else_s_entry_and_leaves_an_archived_one(
    tmp_path: Path, operator: User, approver: User
) -> None:
    table = tmp_path / "notes.csv"
    table.write_text("title,body,hints\nLate,Wait.,\n")
    read_table(table, bring(approver))
    stranger = User.objects.create_user("stranger", roles=["operator"])
    table.write_text(f"title,body,hints\nLate,Mine now.,\nDeep,x,{'[' * 100_000}\n")
    taken = read_table(table, bring(stranger))
    assert (Entry.objects.get().body, len(taken.notes)) == ("Wait.", 2)
    Entry.objects.update(state="archived")
    assert "archived" in read_table(table, bring(approver)).notes[0]


def test_what_is_signed_meanwhile_is_not_changed_by_token(
    operator: User, approver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create(Content("runbook", "Late", body="Wait."), draft=True, **who(operator))
    found = api._find

    def slowly(request: Any, pk: int) -> Entry:
        read = found(request, pk)
        if read.state == "draft":
            sign(made, version=1, **who(approver))
        return read

    monkeypatch.setattr(api, "_find", slowly)
    change = {"kind": "runbook", "title": "Late", "body": "Do not wait.", "version": 1}
    assert send(client(operator, "propose"), "PATCH", f"{ADDRESS}/{made.pk}", change).status_code == 403
    assert Entry.objects.get().body == "Wait."


def test_a_request_with_bytes_that_the_database_refuses_is_refused(operator: User) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(operator)
    sent = {"title": "a\0b", "kind": "runbook", "rule": "", "body": "x\0", "version": "0"}
    assert browser.post("/knowledge/new/keep/", sent).status_code < 500
    assert browser.post("/knowledge/new/", sent).status_code == 422
    assert browser.get("/knowledge/?q=a%00b").status_code == 200
    assert "\0" not in str(Draft.objects.values_list("content", flat=True))


def test_half_of_a_character_is_refused(operator: User) -> None:
    with pytest.raises(Invalid):
        write.checked(Content("runbook", "x", body="\ud800"))


def test_the_api_bounds_what_it_is_asked(operator: User) -> None:
    by_token = client(operator, "read")
    assert by_token.get(f"{ADDRESS}?q=a%00b&kind=%00&state=%00").status_code == 200
    for assets in ({f"a{n}": 0 for n in range(501)}, {"a": -2}):
        assert send(by_token, "POST", f"{ADDRESS}/recall", {"assets": assets}).status_code == 422


def test_a_rule_of_stars_or_with_bytes_that_the_database_refuses_is_tried(operator: User) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(operator)
    for rule in (f"asset = {'*' * 3900}b", "asset = a\0b", "class = a\0b"):
        assert browser.post("/knowledge/matches/", {"rule": rule}).status_code == 200


@pytest.mark.parametrize("body", ["\n=1+1", "＝1+1", "@SUM(A1)"])
def test_no_cell_of_a_table_is_run(tmp_path: Path, operator: User, body: str) -> None:
    create(Content("runbook", "Late", body=body), **who(operator))
    write_table(tmp_path / "notes.csv")
    assert f"'{body}" in (tmp_path / "notes.csv").read_text(encoding="utf-8")
