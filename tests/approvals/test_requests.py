"""Who is asked answers by a link without an account; only the data closes what was asked."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from app.accounts import tokens
from app.core.audit import Actor, Source
from app.core.models import AuditRecord
from approvals.announce import send
from approvals.asking.link import link
from approvals.asking.prove import prove
from approvals.deadlines import deadlines
from approvals.execute import execute
from approvals.models import Answer, Decision, Message, Proposal, Request
from approvals.validate import validate
from integrations.effects import QuarantineRows
from integrations.models import Connection
from integrations.values import AssetRef, Predicate
from tests.approvals.light import LAKE, RERUN, Light, approve, proposal
from tests.approvals.test_opener import opened_by_yen
from tests.gateway_fixture import gateway

__all__ = ["gateway"]

BEN = {"name": "Ben", "email": "ben@example.com"}
ADA = {"name": "Ada", "email": "ada@example.com", "then": [BEN]}
HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.fixture
def asked(world: Light, gateway: None, approver: Any) -> Request:
    """Signed: ask Ada (then Ben) to put the rows right, and run the job again once they are."""
    made = proposal(world, (("ask", ""), RERUN), owner=ADA)
    opened_by_yen(made.incident)
    approve(made, approver)
    execute(Proposal.objects.get(pk=made.pk))
    return Request.objects.get()


def path(request: Request) -> str:
    return link(request).partition("8000")[2]


def say(request: Request, **given: str) -> Any:
    return Client().post(path(request), given)


def put_right(world: Light) -> None:
    """What the owner does, in the source: nothing of ours writes."""
    orders = AssetRef(LAKE, "raw.orders")
    branch = world.lake.fork("owner", [orders])
    hold = QuarantineRows(orders, Predicate((("currency", "=", "JPY"),)), "quarantine.owner")
    world.lake.publish(world.lake.apply(branch, hold), key="owner")


def events() -> list[str]:
    return [name for name in AuditRecord.objects.order_by("pk").values_list("event", flat=True) if "request" in name]


def test_done_but_not_stays_open_and_says_so_until_the_data_is_there_then_what_was_signed_runs(
    world: Light, asked: Request
) -> None:
    made = Proposal.objects.get()
    execute(made)
    assert (made.status, made.incident.status, world.ran()) == ("executing", "waiting_on_person", [])
    send()
    assert link(asked) in str(mail.outbox[0].body) and link(asked) not in str([*Message.objects.values()])
    assert say(asked, kind="done", words="it is in").status_code == 302
    assert prove(asked) is False
    page = Client().get(path(asked)).content.decode()
    assert "Not there yet" in page and "usually EUR" in page and "it is in" in page
    send()
    assert [one.subject.split(":")[0] for one in mail.outbox] == [mail.outbox[0].subject.split(":")[0], "Not yet"]
    put_right(world)
    assert prove(Request.objects.get()) is True
    execute(Proposal.objects.get())
    validate(Proposal.objects.get())
    made = Proposal.objects.get()
    assert (made.status, made.incident.status, made.incident.resolution) == ("done", "resolved", "fixed")
    assert len(world.ran()) == 1
    assert "Thank you. The data is there" in Client().get(path(asked)).content.decode()
    assert events() == ["request.sent", "request.answered", "request.unproved", "request.closed"]
    assert Decision.objects.count() == 1


def test_reading_changes_nothing_and_hostile_words_are_inert(asked: Request) -> None:
    before = (AuditRecord.objects.count(), Request.objects.values().get())
    for method in ("get", "head"):
        assert getattr(Client(headers={"User-Agent": "Slackbot-LinkExpanding"}), method)(path(asked)).status_code == 200
    assert before == (AuditRecord.objects.count(), Request.objects.values().get())
    assert Client(enforce_csrf_checks=True).post(path(asked), {"kind": "done"}).status_code == 403
    say(asked, kind="words", words=HOSTILE)
    answer = Client().get(path(asked))
    page = answer.content.decode()
    assert "<script>alert" not in page and "\u202e" not in page and "&lt;script&gt;" in page
    assert answer.headers["X-Robots-Tag"].startswith("noindex") and "no-store" in answer.headers["Cache-Control"]


def test_a_link_opens_its_own_request_alone_and_not_for_ever(asked: Request) -> None:
    token = path(asked).split("/")[2]
    other = token[:-1] + ("A" if token[-1] != "A" else "B")
    for wrong in (other, asked.digest, asked.salt, "x", token * 9):
        answer = Client().get(f"/asked/{wrong}/")
        assert answer.status_code == 404 and "people on call" in answer.content.decode()
        assert Client().post(f"/asked/{wrong}/", {"kind": "done"}).status_code == 404
    page = Client().get(path(asked)).content.decode()
    assert not re.search(r"/(incidents|proposals|approvals)/", page)
    assert say(asked, kind="approve").status_code == 422
    Request.objects.update(until=Now() - timedelta(seconds=1))
    assert Client().get(path(asked)).status_code == 404
    assert Answer.objects.count() == 0


def test_not_me_asks_the_next_of_the_signed_plan_and_never_whom_the_answer_names(asked: Request) -> None:
    assert say(asked, kind="not_me", name="eve@example.com").status_code == 302
    assert say(asked, kind="done").status_code == 410
    assert {row.to for row in Message.objects.all()} == {"ada@example.com", "ben@example.com"}
    second = Request.objects.get(place=1)
    assert (Request.objects.get(place=0).outcome, second.to_name, second.ask) == ("not_me", "Ben", asked.ask)
    say(second, kind="not_me")
    made = Proposal.objects.get()
    assert (made.status, made.incident.status) == ("failed", "escalated")
    assert not Message.objects.filter(to__contains="eve").exists()


def test_people_see_on_the_incident_and_by_api_whom_was_asked_and_what_was_answered(
    asked: Request, viewer: Any
) -> None:
    say(asked, kind="more_time", day=(timezone.now().date() + timedelta(days=2)).isoformat(), words=HOSTILE)
    client = Client()
    client.force_login(viewer)
    page = client.get(f"/incidents/{asked.proposal.incident.number}/proposal/").content.decode()
    assert "More time" in page and "&lt;script&gt;" in page and "\u202e" not in page
    assert "Ben" in page and "then whoever is on call" in page
    token = tokens.make(viewer, "t", scopes=["read"], days=1, actor=Actor.of(viewer), source=Source("api"))[1]
    told = client.get(f"/api/v1/proposals/{asked.proposal_id}", headers={"Authorization": f"Bearer {token}"})
    (one,) = told.json()["requests"]
    assert (one["to_name"], one["outcome"], one["answers"][0]["kind"]) == ("Ada", "", "more_time")
    assert asked.digest not in told.text and asked.salt not in told.text


def test_more_time_moves_the_deadline_once_and_within_a_week(asked: Request) -> None:
    day = timezone.now().date()
    for wrong in (day - timedelta(days=1), day + timedelta(days=30)):
        assert say(asked, kind="more_time", day=wrong.isoformat()).status_code == 422
    assert say(asked, kind="more_time", day=(day + timedelta(days=3)).isoformat()).status_code == 302
    assert Request.objects.get().due_at.date() == day + timedelta(days=3)
    assert say(asked, kind="more_time", day=(day + timedelta(days=5)).isoformat()).status_code == 422


def test_no_answer_reminds_then_asks_the_next_and_then_calls_people(world: Light, asked: Request) -> None:
    Request.objects.update(sent_at=Now() - timedelta(hours=3), due_at=Now() + timedelta(hours=1))
    deadlines()
    deadlines()
    assert events().count("request.reminded") == 1
    Request.objects.update(due_at=Now() - timedelta(seconds=1))
    deadlines()
    assert Request.objects.get(closed_at=None).to_name == "Ben"
    assert "others were asked" in Client().get(path(asked)).content.decode()
    Request.objects.update(due_at=Now() - timedelta(seconds=1))
    deadlines()
    made = Proposal.objects.get()
    assert (made.status, made.incident.status, world.ran()) == ("failed", "escalated", [])


def test_what_cannot_be_read_is_not_taken_for_done(world: Light, asked: Request) -> None:
    put_right(world)
    Connection.objects.filter(name="lake").update(enabled=False)
    say(asked, kind="done")
    assert prove(asked) is False
    assert Request.objects.get().closed_at is None
    assert "cannot be looked at again" in Client().get(path(asked)).content.decode()


def test_answers_are_limited_and_the_last_ones_are_refused(asked: Request) -> None:
    codes = [say(asked, kind="words", words=str(number)).status_code for number in range(22)]
    assert (codes.count(302), codes[-1]) == (20, 429)
