"""How soon Slack knows: from an event to its message, from a click and from a decision elsewhere to the buttons gone.

It prints what it measured and asserts only that each arrived, because a shared machine decides the seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from django.db import transaction

from app.core.models import User
from approvals.models import Proposal
from integrations import connections
from integrations.models import LinkedAccount
from tests.approvals.light import CHANGED_CODE, Light, proposal
from tests.chaos.pack import Pack
from tests.chaos.test_slack_storm import shown
from tests.chaos.test_storm import _post, _token_once, site
from tests.slack_server import Message, Slack, by_url, slack_server

__all__ = ["site"]  # the fixture
EACH = 10


@pytest.fixture
def slack(pack: Pack, site: str, approver: User) -> Iterator[Slack]:
    with slack_server() as served:
        team = served.connect()
        served.door = by_url(site)
        served.person("U1")
        LinkedAccount.objects.create(user=approver, connection=team, team=served.team, person="U1", name="U1")
        yield served


def until(pack: Pack, condition: Callable[[], object], what: str) -> float:
    """Seconds, looked at closely."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > 60:
            raise AssertionError(f"{what}\n{pack.log()}")
        time.sleep(0.02)
    return time.monotonic() - began


def p95(times: list[float]) -> str:
    ordered = sorted(times)
    return f"p95 {ordered[int(len(ordered) * 0.95)]:.2f} s, median {ordered[len(ordered) // 2]:.2f} s of {len(ordered)}"


def prepared(world: Light, pack: Pack, slack: Slack) -> tuple[Proposal, Message]:
    with transaction.atomic():  # as the product does it: seen whole or not at all
        made = proposal(world, (CHANGED_CODE,))
    until(pack, lambda: shown(slack, made), "the message")
    found = shown(slack, made)
    assert found is not None
    return made, found


def is_done(made: Proposal) -> bool:
    return Proposal.objects.filter(pk=made.pk, status="done").exists()


@pytest.mark.chaos
def test_how_soon_the_buttons_go(world: Light, pack: Pack, site: str, slack: Slack, approver: User) -> None:
    token, clicked, decided = _token_once(approver), [], []
    for at in range(EACH * 2):
        made, message = prepared(world, pack, slack)
        if at % 2:
            slack.press("U1", message, "approve")
            clicked.append(until(pack, lambda made=made: shown(slack, made) is None, "after a click"))
        else:
            with httpx.Client() as client:
                assert _post(client, site, made, token).status_code == 201
            decided.append(until(pack, lambda made=made: shown(slack, made) is None, "after a decision"))
        pack.until(lambda made=made: is_done(made), "the fix")
    print(f"click to buttons gone: {p95(clicked)}")  # noqa: T201
    print(f"decision elsewhere to buttons gone: {p95(decided)}")  # noqa: T201


@pytest.mark.chaos
def test_how_soon_an_event_is_a_message(pack: Pack, site: str, slack: Slack) -> None:
    _, key = connections.create("hooks", "webhook", {"namespace": "test://hooks"}, {})
    times = []
    for at in range(EACH):
        body = {"asset": f"raw.t{at}", "name": "late", "message": f"raw.t{at} is late", "severity": "critical"}
        answer = httpx.post(f"{site}/api/v1/events", json=body, headers={"Authorization": f"Bearer {key}"}, timeout=60)
        assert answer.status_code in {200, 201, 202}, answer.text
        times.append(until(pack, lambda at=at: [m for m in slack.main() if f"t{at} " in m.text], f"message {at}"))
    print(f"event to message: {p95(times)}")  # noqa: T201
