from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.slack_server import Slack, slack_server


@pytest.fixture
def slack() -> Iterator[Slack]:
    with slack_server() as made:
        yield made
