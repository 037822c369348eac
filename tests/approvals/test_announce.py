from __future__ import annotations

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db.models.functions import Now

from app.core import audit
from app.core.lifecycle import advance
from app.core.models import AuditRecord
from approvals.announce import MAX_SENDS, announce, send
from approvals.models import Message, Proposal
from tests import factories
from tests.approvals.light import CHANGED_CODE, Light, proposal


@pytest.fixture
def waiting(world: Light) -> Proposal:
    factories.user("oncall", "approver", on_call=True)
    factories.user("asleep", "approver")
    return proposal(world, (CHANGED_CODE,))


def test_whoever_is_on_call_hears_once_by_mail(waiting: Proposal) -> None:
    for _ in range(3):
        announce()
        send()
    assert [message.to for message in mail.outbox] == [["oncall@example.com"]]
    assert f"/incidents/{waiting.incident.number}/\n" in mail.outbox[0].body
    assert AuditRecord.objects.filter(event="notice.sent").count() == 1


def test_a_failed_message_is_tried_again_later_and_its_end_is_on_record(
    waiting: Proposal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: EmailBackend, messages: object) -> int:
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    announce()
    send()
    send()
    message = Message.objects.get()
    assert (message.attempts, message.sent_at) == (1, None)
    assert "SMTPServerDisconnected" in message.error
    Message.objects.update(created_at=Now() - timedelta(days=1), attempts=MAX_SENDS - 1)
    send()
    send()
    assert AuditRecord.objects.filter(event="notice.failed").count() == 1


def test_half_way_to_the_deadline_there_is_one_reminder(waiting: Proposal) -> None:
    announce()
    assert Message.objects.count() == 1
    times = {"status_at": Now() - timedelta(hours=2), "expires_at": Now() + timedelta(hours=1)}
    Proposal.objects.filter(pk=waiting.pk).update(**times)
    announce()
    announce()
    assert Message.objects.filter(key__contains="reminder").count() == 1


def test_each_escalation_is_told(waiting: Proposal) -> None:
    advance(waiting.incident, "escalated", actor=audit.SYSTEM, source="worker")
    announce()
    announce()
    assert Message.objects.filter(key__contains="escalated").count() == 1
