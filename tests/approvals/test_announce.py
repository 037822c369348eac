from __future__ import annotations

import json
import smtplib
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db.models.functions import Now

from app.core import audit
from app.core.lifecycle import advance
from app.core.models import AuditRecord
from approvals.announce import MAX_SENDS, announce, send
from approvals.models import Message, Proposal
from integrations import vault
from integrations.models import Connection
from tests import factories
from tests.approvals.light import CHANGED_CODE, Light, proposal


class Slack(BaseHTTPRequestHandler):
    """An incoming webhook on loopback."""

    said: list[dict[str, Any]]
    answer = 200

    def do_POST(self) -> None:
        self.said.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.answer)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def slack(transactional_db: None) -> Iterator[type[Slack]]:
    room = type("Room", (Slack,), {"said": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), room)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    connection = Connection.objects.create(name="data-alerts", kind="slack", config={})
    vault.put(connection, "webhook_url", f"http://127.0.0.1:{server.server_port}/services/T0/B0/x")
    yield room
    server.shutdown()
    server.server_close()


@pytest.fixture
def waiting(world: Light) -> Proposal:
    factories.user("oncall", "approver", on_call=True)
    factories.user("asleep", "approver")
    return proposal(world, (CHANGED_CODE,))


def test_whoever_is_on_call_hears_once_by_mail_and_in_slack(waiting: Proposal, slack: type[Slack]) -> None:
    for _ in range(3):
        announce()
        send()
    assert [message.to for message in mail.outbox] == [["oncall@example.com"]]
    assert f"/incidents/{waiting.incident.number}/\n" in mail.outbox[0].body
    assert len(slack.said) == 1
    assert AuditRecord.objects.filter(event="notice.sent").count() == 2


def test_slack_gets_a_link_and_no_button_and_cannot_be_made_to_ping(waiting: Proposal, slack: type[Slack]) -> None:
    Proposal.objects.update(title="<!channel> see <http://evil.example|Approve> & go")
    announce()
    send()
    text = json.dumps(slack.said[0])
    assert "<!channel>" not in text
    assert "<http://evil.example" not in text
    assert "&lt;!channel&gt;" in text
    assert "button" not in text
    assert [block["type"] for block in slack.said[0]["blocks"]] == ["section"]


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
