"""Bar 1, small: presses in Slack, replays of one and decisions on the web at once are one signature, one execution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from app.core.audit import Actor
from app.core.errors import CountersignError
from app.core.models import User
from approvals.decide import decide
from approvals.live.inbox import settle_open
from approvals.models import Decision, Execution, Proposal
from integrations.models import Act
from tests.approvals.light import API
from tests.approvals.live.room import Room

PRESSED, REPLAYED, DECIDED, SETTLERS = 8, 6, 8, 4


def test_a_storm_through_two_doors_is_one_execution(room: Room, waiting: Proposal, approver: User) -> None:
    first = room.slack.press("U1", room.message, "approve")

    def press() -> str:
        return f"slack {room.slack.press('U1', room.message, 'approve').answer[0]}"

    def replay() -> str:
        return f"replay {room.slack.again(first)[0]}"

    def web() -> str:
        try:
            who = User.objects.get(pk=approver.pk)
            found = Proposal.objects.get()
            decide(found, "approve", fingerprint=waiting.fingerprint, by=who, actor=Actor.of(who), source=API)
        except CountersignError as error:
            return f"web {error.status}"
        return "web 201"

    def settle() -> str:
        settle_open()
        return "settled"

    def alone(work: Callable[[], str]) -> str:
        try:
            return work()
        finally:
            connection.close()

    jobs = [press] * (PRESSED - 1) + [replay] * REPLAYED + [web] * DECIDED + [settle] * SETTLERS
    with ThreadPoolExecutor(8) as people:
        said = Counter(people.map(alone, [job for at in range(4) for job in jobs[at::4]]))
    room.settle()
    assert Execution.objects.count() == Decision.objects.count() == 1
    outcomes = [row.outcome for row in Act.objects.all()]
    assert len(outcomes) == PRESSED and all(outcomes)
    assert said["web 201"] + outcomes.count("approve") == 1
    assert said["web 201"] + said["web 409"] == DECIDED
    assert (said["slack 200"], said["replay 200"]) == (PRESSED - 1, REPLAYED)
