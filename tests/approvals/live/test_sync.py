"""One message per incident and team: posted, changed in place, healed, and its story told once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from app.core import audit
from app.core.audit import Actor
from app.core.lifecycle import advance
from app.core.models import AuditRecord, User
from approvals.decide import decide
from approvals.live.models import LiveLine, LiveMessage, Nonce
from approvals.live.sync import sync
from approvals.models import Proposal
from approvals.propose import restage
from incidents.models import Diagnosis, Incident
from incidents.work import comment
from integrations.models import Connection
from tests import factories
from tests.approvals.light import API
from tests.slack_server import Message, Slack


def only(slack: Slack) -> Message:
    [message] = slack.main()
    return message


def now_again() -> None:
    """As when the pause after a failure is over."""
    LiveMessage.objects.update(retry_at=None)


def withdraw_all(made: Proposal, by: User) -> None:
    decide(made, "reject", fingerprint=made.fingerprint, by=by, actor=Actor.of(by), source=API, reason="risk")


def test_a_waiting_proposal_is_one_message_with_its_buttons(waiting: Proposal, slack: Slack) -> None:
    sync()
    sync(waiting.incident.number)
    message = only(slack)
    assert list(message.buttons()) == ["approve", "reject", "request_changes", "link-edit"]
    assert message.edits == 0
    assert AuditRecord.objects.filter(event="notice.sent", correlation=waiting.incident.number).count() == 1


def test_a_decision_elsewhere_takes_the_buttons_away_in_place(waiting: Proposal, slack: Slack, approver: User) -> None:
    withdraw_all(waiting, approver)
    sync(waiting.incident.number)
    message = only(slack)
    assert list(message.buttons()) == ["link-open"]
    assert "Rejected" in message.words and "Too risky now" in message.words
    assert message.edits == 1


def test_each_chapter_is_told_once_however_often_and_by_however_many(
    waiting: Proposal, slack: Slack, approver: User
) -> None:
    comment(waiting.incident, "Tokyo goes live.", by=approver, actor=Actor.of(approver), source=API)

    def once(_: int) -> None:
        try:
            sync(waiting.incident.number)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(once, range(12)))
    sync()
    said = [line.text for line in slack.thread(only(slack))]
    assert sum("Tokyo goes live." in line for line in said) == 1
    assert sum("Proposal 1" in line for line in said) == 1
    assert LiveLine.objects.filter(sent_at=None).count() == 0


def test_a_deleted_message_is_posted_anew_and_the_story_not_told_again(
    waiting: Proposal, slack: Slack, approver: User
) -> None:
    told = len(slack.thread(only(slack)))
    slack.delete(only(slack))
    comment(waiting.incident, "Look at this.", by=approver, actor=Actor.of(approver), source=API)
    withdraw_all(waiting, approver)
    sync()
    assert "Rejected" in only(slack).words
    assert len(slack.thread(only(slack))) >= 1 and told >= 1


def test_a_rate_limit_is_waited_for_and_nothing_is_lost(waiting: Proposal, slack: Slack, approver: User) -> None:
    slack.say("chat.update", 30)
    withdraw_all(waiting, approver)
    sync()
    sync()
    assert sum(method == "chat.update" for method, _ in slack.heard) == 1
    row = LiveMessage.objects.get()
    left = LiveMessage.objects.filter(retry_at__gt=Now() + timedelta(seconds=20)).count()
    assert (row.attempts, left) == (1, 1)
    now_again()
    sync()
    assert "Rejected" in only(slack).words
    assert LiveMessage.objects.get().error == ""


TROUBLE: list[tuple[str, Callable[[Slack], Any], Callable[[Slack], Any]]] = [
    (
        "token_revoked",
        lambda slack: setattr(slack, "revoked", "token_revoked"),
        lambda slack: setattr(slack, "revoked", ""),
    ),
    (
        "is_archived",
        lambda slack: slack.channels["C0001"].update(is_archived=True),
        lambda slack: slack.channels["C0001"].update(is_archived=False),
    ),
]


@pytest.mark.parametrize(("word", "begin", "end"), TROUBLE, ids=[name for name, *_ in TROUBLE])
def test_what_stands_in_the_way_is_said_and_the_decision_holds(
    waiting: Proposal, slack: Slack, approver: User, word: str, begin: Any, end: Any
) -> None:
    begin(slack)
    withdraw_all(waiting, approver)
    sync()
    sync()
    waiting.refresh_from_db()
    assert waiting.status == "rejected"
    assert word in LiveMessage.objects.get().error
    assert AuditRecord.objects.filter(event="notice.failed").count() == 1
    assert Connection.objects.get(kind="slack").trouble in {"grant", "channel"}
    end(slack)
    now_again()
    sync()
    assert "Rejected" in only(slack).words
    assert Connection.objects.get(kind="slack").trouble == ""


def test_an_inconclusive_diagnosis_is_quiet_until_nobody_took_it(team: Connection, slack: Slack) -> None:
    incident = factories.incident(status="escalated", severity="warning")
    Diagnosis.objects.create(incident=incident, root_cause="Nothing decides.", confidence=0, inconclusive=True)
    sync()
    assert slack.main() == []
    Incident.objects.update(status_at=Now() - timedelta(minutes=31))
    sync()
    assert "Inconclusive" in only(slack).words
    loud = factories.incident(status="escalated", severity="critical", title="all is gone")
    Diagnosis.objects.create(incident=loud, root_cause="Nothing decides.", confidence=0, inconclusive=True)
    sync()
    assert len(slack.main()) == 2


def test_what_ends_before_anybody_heard_of_it_stays_quiet(team: Connection, slack: Slack) -> None:
    factories.incident(status="resolved")
    old = factories.incident(status="escalated")
    Incident.objects.filter(pk=old.pk).update(status_at=Now() - timedelta(days=2))
    young = factories.incident(status="diagnosing")
    sync()
    assert slack.main() == []
    Incident.objects.filter(pk=young.pk).update(opened_at=Now() - timedelta(seconds=3))
    sync()
    assert "No action needed" in only(slack).words


def test_the_owner_decides_the_channel(slack: Slack) -> None:
    slack.room("C0002", "finance-data")
    team = slack.connect(channels={"Finance Data": "C0002"})
    mine = factories.asset("mart.revenue", owner={"name": "finance data"})
    factories.incident("revenue is off", status="escalated", root_asset=mine)
    factories.incident("orders are off", status="escalated", root_asset=factories.asset("raw.orders"))
    sync()
    assert team.pk and [len(slack.main("C0001")), len(slack.main("C0002"))] == [1, 1]
    assert "revenue is off" in slack.main("C0002")[0].words


def test_buttons_of_another_proposal_have_nonces_of_their_own(waiting: Proposal, slack: Slack, approver: User) -> None:
    before = only(slack).buttons()["approve"]["value"]
    advance(waiting, "superseded", actor=audit.SYSTEM, source="schedule", reason="Production moved.")
    sync()
    assert list(only(slack).buttons()) == ["restage", "link-drift"]
    made = restage(waiting, actor=Actor.of(approver), source=API)
    sync()
    assert "link-open" in only(slack).buttons()
    assert not Nonce.objects.filter(proposal=made).exists()
    assert Nonce.objects.get(value=before).proposal_id == waiting.pk
