"""A press is a request: whose it is, what it is about, whether it is the first are read again; it has one effect."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from app.core.audit import Actor
from app.core.models import AuditRecord, User
from approvals.decide import decide
from approvals.live.acts import settle
from approvals.live.models import Nonce
from approvals.models import Decision, Execution, Proposal
from integrations.models import Act
from knowledge.models import Entry
from tests.approvals.light import API
from tests.approvals.live.room import Room


def denied() -> list[str]:
    return list(AuditRecord.objects.filter(event="decision.denied").order_by("pk").values_list("reason", flat=True))


def test_a_press_is_one_signature_however_often_it_comes(room: Room, waiting: Proposal, approver: User) -> None:
    act = room.press("U1", "approve")
    assert act.outcome == "approve"
    for number in range(4):
        room.slack.again(room.slack.sent[-1], number)
    room.settle()
    made = Decision.objects.get()
    assert (made.by, made.door, Execution.objects.count()) == (approver, "slack", 1)
    wanted = {"slack_team": "T0001", "slack_user": "U1", "slack_channel": "C0001", "slack_message": room.message.ts}
    assert wanted.items() <= made.source.items()
    assert AuditRecord.objects.get(event="decision.approve").source["slack_user"] == "U1"
    assert list(room.message.buttons()) == ["link-open"] and "Approved by" in room.message.words
    assert Nonce.objects.exclude(used_at=None).get().used_by == approver


@pytest.mark.parametrize(("account", "why"), [("U9", "Nobody here said"), ("U3", "approver")])
def test_whoever_may_not_is_told_and_spends_nothing(room: Room, waiting: Proposal, account: str, why: str) -> None:
    for verb in ("approve", "reject"):
        assert room.press(account, verb).outcome.startswith("refused")
        assert why in room.whispered and room.whispered.startswith(account)
    assert "/link" in room.whispered or account == "U3"
    assert (Decision.objects.count(), len(denied()), len(room.slack.views)) == (0, 2, 0)
    assert Nonce.objects.exclude(used_at=None, act=None).count() == 0
    assert room.press("U1", "approve").outcome == "approve"


def test_what_was_decided_elsewhere_is_drawn_again_and_nothing_happens(
    room: Room, waiting: Proposal, second_approver: User
) -> None:
    shown = room.message.blocks
    decide(waiting, "reject", fingerprint=waiting.fingerprint, by=second_approver, actor=Actor.of(second_approver),
           source=API, reason="risk")  # fmt: skip
    assert room.press("U1", "approve").outcome.startswith("refused")
    assert room.message.blocks != shown and "Rejected" in room.message.words
    assert (Execution.objects.count(), len(denied())) == (0, 1)
    assert "Nothing was decided" in room.whispered and "/incidents/" in room.whispered


def test_a_button_is_good_for_its_own_verb_message_and_proposal(room: Room, waiting: Proposal, slack: Any) -> None:
    buttons = room.message.buttons()
    swapped = {**buttons["reject"], "action_id": "approve"}
    room.message.blocks[-2]["elements"][0] = swapped
    assert room.press("U1", "approve").outcome.startswith("refused")
    room.message.blocks[-2]["elements"][0] = {**buttons["approve"], "value": "made-up"}
    assert room.press("U1", "approve").outcome.startswith("refused")
    room.message.blocks[-2]["elements"][0] = buttons["approve"]
    copied = type(room.message)("C0001", "1.1", "t", room.message.blocks)
    slack.press("U1", copied, "approve")
    assert room.settle().outcome.startswith("refused")
    other = slack.connect("other")
    Act.objects.update(done_at=None, connection=other, attempts=0, again_at=None)
    assert room.settle().outcome.startswith("refused")
    assert (Decision.objects.count(), Execution.objects.count()) == (0, 0)


def test_high_risk_leads_to_the_console_and_no_nonce_opens_it(room: Room, waiting: Proposal) -> None:
    old = room.message.buttons()["approve"]
    Proposal.objects.update(risk="high")
    room.press("U1", "approve")
    assert Decision.objects.count() == 0 and denied()
    assert "console" in room.whispered
    assert "link-sign" in room.message.buttons()
    assert old["value"] not in room.message.words


def test_a_rejection_needs_its_reason_and_its_words_become_a_draft(room: Room, waiting: Proposal) -> None:
    view = room.open("U1", "reject")
    room.send("U1", view, reason="other", then="people")
    assert "because the reason is" in room.whispered and Decision.objects.count() == 0
    room.send("U1", room.open("U1", "reject"), reason="other", note="Month-end rate.", then="another")
    made = Decision.objects.get()
    waiting.refresh_from_db()
    assert (made.decision, made.reason, made.comment, made.door) == ("reject", "other", "Month-end rate.", "slack")
    assert (waiting.status, waiting.incident.status) == ("rejected", "proposing")
    assert Entry.objects.get(state="draft").title == "Month-end rate."
    assert "approve" not in room.message.buttons()


def test_changes_are_asked_for_in_words(room: Room, waiting: Proposal) -> None:
    room.send("U1", room.open("U1", "request_changes"), changes="Keep the rows of Tokyo.")
    assert Decision.objects.get().comment == "Keep the rows of Tokyo."
    assert "Keep the rows of Tokyo." in room.message.words


def test_a_form_is_its_openers_and_good_once(room: Room, waiting: Proposal, link: Any, second_approver: User) -> None:
    link(second_approver, "U2")
    view = room.open("U1", "request_changes")
    assert room.send("U2", view, changes="Mine.").outcome.startswith("refused")
    assert room.send("U1", view, changes="Mine.").outcome == "request_changes"
    assert room.send("U1", {**view, "hash": "9.9"}, changes="Again.").outcome.startswith("refused")
    assert Decision.objects.count() == 1


def test_a_form_that_comes_too_late_is_said(room: Room, waiting: Proposal) -> None:
    room.slack.trigger_s = 0.0
    assert room.press("U1", "reject").outcome.startswith("form not opened")
    assert "could not be opened in time" in room.whispered
    sent = room.slack.press("U1", room.message, "reject")
    assert sent.answer[0] == 200
    Act.objects.filter(done_at=None).update(received_at=timezone.now() - timedelta(seconds=5))
    assert room.settle().done_at is not None and room.slack.views == []


def test_a_signature_is_taken_back_before_the_last(room: Room, waiting: Proposal) -> None:
    Proposal.objects.update(policy={**waiting.policy, "quorum": 2})
    room.press("U1", "approve")
    assert "1 of 2 signed" in room.message.words and "Approve & " in room.message.words
    assert room.press("U1", "approve").outcome.startswith("refused")
    room.press("U1", "withdraw")
    assert Decision.objects.filter(decision="approve", withdrawn_at=None).count() == 0
    assert "0 of 2" in room.message.words
    assert room.press("U1", "approve").outcome == "approve"


def test_an_expired_proposal_is_staged_again_from_its_card(room: Room, waiting: Proposal) -> None:
    Proposal.objects.update(expires_at=Now() - timedelta(seconds=1))
    assert room.press("U1", "approve").outcome.startswith("refused")
    assert list(room.message.buttons()) == ["restage", "link-drift"]
    assert room.press("U3", "restage").outcome.startswith("refused")
    assert room.press("U1", "restage").outcome == "restage"
    assert [one.status for one in Proposal.objects.order_by("number")] == ["superseded", "drafted"]


def test_after_a_crash_the_same_act_comes_to_the_same_end(room: Room, waiting: Proposal) -> None:
    act = room.press("U1", "approve")
    Nonce.objects.update(used_at=None, used_by=None)  # the worker died after the decision and before this
    Act.objects.filter(pk=act.pk).update(done_at=None, outcome="", attempts=F("attempts"))
    act.refresh_from_db()
    assert settle(act) == "approve"
    assert (Decision.objects.count(), Execution.objects.count(), denied()) == (1, 1, [])


def test_slack_that_cannot_say_who_it_was_decides_nothing(room: Room, waiting: Proposal) -> None:
    room.slack.say("users.info", 503)
    assert room.press("U1", "approve").outcome.startswith("refused")
    assert Decision.objects.count() == 0
    assert room.press("U1", "approve").outcome == "approve"
