"""What is said in a thread becomes a comment, and the draft of a note where its author says so; a command lists."""

from __future__ import annotations

from typing import Any

from app.core.models import AuditRecord, User
from approvals.live.acts import settle
from approvals.live.sync import sync
from approvals.live.talk import plain
from approvals.models import Proposal
from incidents.models import Comment
from integrations.models import Act
from knowledge.models import Entry
from tests.approvals.live.room import Room


def say(room: Room, person: str, text: str, **more: Any) -> Act:
    room.slack.write(person, room.message, text, **more)
    return room.settle()


def test_a_reply_is_a_comment_once_and_is_not_said_back(room: Room, waiting: Proposal, approver: User) -> None:
    say(room, "U1", "Tokyo &lt;b&gt; goes live, see &lt;#x&gt; &amp; <https://wiki/x|the page>")
    found = Comment.objects.get()
    assert (found.text, found.author) == ("Tokyo <b> goes live, see <#x> & https://wiki/x", approver)
    room.slack.again(room.slack.sent[-1])
    settle(room.settle())
    before = len(room.slack.thread(room.message))
    sync()
    assert len(room.slack.thread(room.message)) == before
    assert AuditRecord.objects.filter(event="incident.commented", source__slack_user="U1").count() == 1
    assert (Comment.objects.count(), Entry.objects.count()) == (1, 0)


def test_note_keeps_it_as_a_draft_and_says_so_to_its_author(room: Room, waiting: Proposal, approver: User) -> None:
    assert say(room, "U1", "Note: the load of Sundays is empty on purpose").outcome == "comment and draft of a note"
    draft = Entry.objects.get()
    assert (draft.state, draft.author, draft.incident_number) == ("draft", approver, waiting.incident.number)
    assert "the load of Sundays is empty on purpose" in draft.body
    assert Comment.objects.count() == 1
    assert room.whispered.startswith("U1") and f"/knowledge/{draft.pk}/" in room.whispered


def test_strangers_and_viewers_talk_without_being_kept(room: Room, waiting: Proposal) -> None:
    assert say(room, "U9", "who broke it?").outcome.startswith("not a comment")
    assert room.slack.whispers == []  # in a channel people talk
    assert say(room, "U3", "note: I know").outcome.startswith("refused")
    assert (Comment.objects.count(), Entry.objects.count()) == (0, 0)


def test_the_command_lists_what_is_mine_to_sign(room: Room, waiting: Proposal) -> None:
    for person, words in (("U1", str(waiting.incident)), ("U3", "approver role"), ("U9", "/link")):
        room.slack.command(person)
        room.settle()
        assert words in room.whispered and room.whispered.startswith(person)
    assert "0 of 1 signed" in str(room.slack.whispers[0])
    room.press("U1", "approve")
    room.slack.command("U1")
    room.settle()
    assert "Nothing waits for your signature" in room.whispered


def test_what_slack_wraps_is_read_as_it_was_typed() -> None:
    assert plain("<@U1> ask <#C1|general> &amp; <!here> <http://x/?a=1&amp;b=2|x>") == (
        "@U1 ask #general & @here http://x/?a=1&b=2"
    )
