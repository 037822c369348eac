"""The notes of the demo's tacit stories: written once, forgotten, brought back, and true of what the demo does now."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from app.core.models import User
from app.launcher import demo_notes
from integrations.demo import faults
from integrations.demo.lakehouse import Lakehouse
from integrations.demo.names import scrambled
from knowledge.hints import Header, RetryWindow
from knowledge.models import Entry
from knowledge.write import Content
from tests import factories


@pytest.fixture
def lakehouse(db: None, tmp_path: Path) -> Lakehouse:
    factories.user("ada", "administrator")
    made = Lakehouse(tmp_path, date(2026, 11, 19), 1, 1, 1, "", "", "", 8123, scrambled(7), 8124, "k-4711-xyz")
    made.rates_state.write_text(json.dumps({"seed": 1}))
    return made


def test_each_tacit_fault_has_its_note_and_no_other_has_one(lakehouse: Lakehouse) -> None:
    demo_notes.write_all(lakehouse)
    assert set(demo_notes.NOTES) == {*faults.TACIT, *faults.ASKED}
    assert Entry.objects.filter(state="signed", author=User.objects.get(username="ada")).count() == 4
    with pytest.raises(LookupError, match="No note belongs to bad-merge"):
        demo_notes.write(lakehouse, "bad-merge")


def test_written_again_nothing_changes_and_what_was_forgotten_comes_back(lakehouse: Lakehouse) -> None:
    demo_notes.write_all(lakehouse)
    written = Entry.objects.get(title__contains="window")
    assert demo_notes.forget(lakehouse, "retry-window")
    assert not demo_notes.forget(lakehouse, "retry-window")
    demo_notes.write_all(lakehouse)
    demo_notes.align(lakehouse, "retry-window")
    written.refresh_from_db()
    assert written.state == "archived"  # a person took it away
    assert demo_notes.write(lakehouse, "retry-window").state == "signed"
    assert Entry.objects.count() == 4


def test_the_note_of_the_window_follows_the_service(lakehouse: Lakehouse) -> None:
    demo_notes.write_all(lakehouse)
    lakehouse.rates_state.write_text(json.dumps({"seed": 1, "window": {"from": "14:31", "to": "14:56"}}))
    demo_notes.align(lakehouse, "retry-window")
    (hint,) = Content.of(Entry.objects.get(title__contains="window")).hints
    assert isinstance(hint, RetryWindow)
    assert (hint.start, hint.end, hint.most_retries) == ("14:31", "14:56", 1)


def test_the_note_of_the_header_names_the_vault_and_never_the_key(lakehouse: Lakehouse) -> None:
    entry = demo_notes.write(lakehouse, "key-header")
    (hint,) = Content.of(entry).hints
    assert isinstance(hint, Header)
    assert (hint.reference, hint.host) == ("vault://cluster/key", "127.0.0.1:8124")
    assert lakehouse.cluster_key not in f"{entry.body} {entry.hints} {entry.words}"


def test_no_word_of_the_demo_is_in_the_rules_when_its_names_are_changed(lakehouse: Lakehouse) -> None:
    demo_notes.write_all(lakehouse)
    rules = " ".join(Entry.objects.values_list("rule", flat=True))
    assert not {"ingest_rates", "rates", "ledger"} & set(rules.replace(".", " ").split())
