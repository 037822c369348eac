"""Bar 1 with its Slack share: web, Slack and replays press one proposal at once; it is one decision and one effect."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from django.db import transaction

from app.core.models import AuditRecord, User
from approvals.models import Decision, Execution, Proposal
from integrations import postbox
from integrations.models import Act, LinkedAccount
from tests.approvals.light import STORY, Light, proposal
from tests.chaos.pack import Pack
from tests.chaos.test_storm import CONNECTIONS, _is_done, _post, _token_once, site
from tests.slack_server import Message, Slack, by_url, slack_server

__all__ = ["site"]  # the fixture
WEB, PRESSED, REPLAYED = 4, 4, 2  # tenths of the storm


@pytest.fixture
def slack(pack: Pack, site: str, approver: User) -> Iterator[Slack]:
    with slack_server() as served:
        team = served.connect()
        served.door = by_url(site)
        served.person("U1")
        LinkedAccount.objects.create(user=approver, connection=team, team=served.team, person="U1", name="U1")
        yield served


def shown(slack: Slack, made: Proposal) -> Message | None:
    """The message of this proposal, once its buttons are there."""
    rows = [row for row in slack.main() if f"INC-{made.incident.number}" in row.text]
    return rows[0] if rows and "approve" in rows[0].buttons() else None


def storm(slack: Slack, site: str, made: Proposal, token: str, times: int, seed: int) -> Counter[Any]:
    """Answers by door and status; each of CONNECTIONS presses its share of a shuffled pile."""
    message = shown(slack, made)
    assert message is not None
    copy = Message(message.channel, message.ts, message.text, list(message.blocks))
    first = slack.press("U1", copy, "approve")
    kinds = (
        ["web"] * (times * WEB // 10) + ["slack"] * (times * PRESSED // 10 - 1) + ["replay"] * (times * REPLAYED // 10)
    )
    random.Random(seed).shuffle(kinds)  # noqa: S311 - a seed, so that it can be made again

    def share(at: int) -> list[tuple[str, int]]:
        said: list[tuple[str, int]] = []
        with httpx.Client() as client:
            for kind in kinds[at::CONNECTIONS]:
                if kind == "web":
                    said.append((kind, _post(client, site, made, token).status_code))
                elif kind == "slack":
                    said.append((kind, slack.press("U1", copy, "approve").answer[0]))
                else:
                    said.append((kind, slack.again(first)[0]))
        return said

    with ThreadPoolExecutor(CONNECTIONS) as people:
        return Counter(answer for answers in people.map(share, range(CONNECTIONS)) for answer in answers)


def settled(pack: Pack) -> None:
    def are_closed() -> bool:
        return not postbox.waiting() and not Act.objects.filter(done_at=None).exists()

    pack.until(are_closed, "the acts", end_s=300)


def check(world: Light, pack: Pack, site: str, slack: Slack, approver: User, times: int, seed: int) -> None:
    table = f"raw.s{world.number}"
    world.table(table)
    with transaction.atomic():  # as the product does it: seen whole or not at all
        made = proposal(world, STORY, table=table)
    commits, runs, acts = world.commits(), len(world.ran()), Act.objects.count()
    pack.until(lambda: shown(slack, made) is not None, "the message")
    began = time.monotonic()
    answers = storm(slack, site, made, _token_once(approver), times, seed)
    web_won = answers.pop(("web", 201), 0)
    web, pressed, replayed = times * WEB // 10, times * PRESSED // 10, times * REPLAYED // 10
    assert answers == Counter({("web", 409): web - web_won, ("slack", 200): pressed - 1, ("replay", 200): replayed})
    pack.until(lambda: _is_done(made), "the fix")
    settled(pack)
    outcomes = Counter(row.outcome == "approve" for row in Act.objects.order_by("pk")[acts:])
    assert (outcomes[True], outcomes[True] + outcomes[False]) == (1 - web_won, pressed)
    assert Execution.objects.filter(proposal=made).count() == Decision.objects.filter(proposal=made).count() == 1
    assert (world.snapshots(table), world.commits(), len(world.ran())) == (2, commits + 1, runs + 1)
    denied = AuditRecord.objects.filter(event="decision.denied", correlation=made.incident.number).count()
    assert denied == web + pressed - 1
    gone: Callable[[], bool] = lambda: shown(slack, made) is None  # noqa: E731
    pack.until(gone, "the buttons to go", end_s=30)
    print(f"storm of {times}, seed {seed}: {time.monotonic() - began:.1f} s, won by {'web' if web_won else 'Slack'}")  # noqa: T201


@pytest.mark.chaos
def test_two_hundred_presses_through_two_doors_are_one_execution(
    world: Light, pack: Pack, site: str, slack: Slack, approver: User
) -> None:
    for seed in range(5):
        check(world, pack, site, slack, approver, 200, seed)
