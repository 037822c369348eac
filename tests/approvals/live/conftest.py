from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from app.core import audit
from app.core.models import User
from approvals.live.sync import sync
from approvals.models import Proposal
from integrations.models import Connection, LinkedAccount
from integrations.slack.keys import KEYS
from tests.approvals.light import CHANGED_CODE, Light, light, proposal
from tests.approvals.live.room import Room
from tests.slack_server import Slack, by_client, slack_server


@pytest.fixture
def world(tmp_path: Path, transactional_db: None) -> Light:
    return light(tmp_path)


@pytest.fixture
def slack(transactional_db: None, settings: Any, tmp_path: Path) -> Iterator[Slack]:
    settings.DATA_DIR = tmp_path / "data"  # a letter box of its own
    KEYS.forget()
    cache.clear()
    with slack_server() as served:
        served.door = by_client(Client(raise_request_exception=False))
        yield served


@pytest.fixture
def team(slack: Slack) -> Connection:
    return slack.connect()


@pytest.fixture
def link(slack: Slack, team: Connection) -> Callable[[User, str], str]:
    """Say, as that person did in the console, that a Slack account is theirs."""

    def linked(user: User, account: str) -> str:
        slack.person(account)
        LinkedAccount.objects.create(user=user, connection=team, team=slack.team, person=account, name=account)
        return account

    return linked


@pytest.fixture
def waiting(world: Light, team: Connection) -> Proposal:
    """Shown in Slack, awaiting one signature."""
    made = proposal(world, (CHANGED_CODE,))
    audit.record("proposal.awaiting_decision", made, actor=audit.WORKER, source="worker")
    sync()
    return made


@pytest.fixture
def room(slack: Slack, waiting: Proposal, link: Any, approver: User, viewer: User) -> Room:
    """U1 is an approver, U3 a viewer, U9 nobody knows."""
    link(approver, "U1")
    link(viewer, "U3")
    slack.person("U9")
    return Room(slack)
