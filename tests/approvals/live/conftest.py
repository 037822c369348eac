from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.models import Connection
from tests.approvals.light import Light, light
from tests.slack_server import Slack, slack_server


@pytest.fixture
def world(tmp_path: Path, transactional_db: None) -> Light:
    return light(tmp_path)


@pytest.fixture
def slack(transactional_db: None) -> Iterator[Slack]:
    with slack_server() as served:
        yield served


@pytest.fixture
def team(slack: Slack) -> Connection:
    return slack.connect()
