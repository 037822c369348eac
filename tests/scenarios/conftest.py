"""One running installation with the demo for all scenarios; each leaves it healthy for the next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenarios.stand import Stand, running, wait


@pytest.fixture(scope="session")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    small = {"COUNTERSIGN_DEMO_DAYS": "12", "COUNTERSIGN_DEMO_ORDERS": "800"}  # enough for a band
    with running(tmp_path_factory.mktemp("stand"), **({} if os.environ.get("FULL_DEMO") else small)) as found:
        yield found


@pytest.fixture(autouse=True)
def healthy_again(stand: Stand) -> Iterator[None]:
    yield
    stand.demo("reset")
    stand.demo("run")
    wait(lambda: None if still_open(stand) else True, 60, "all to be resolved by the next good run", stand.incidents)


def still_open(stand: Stand) -> list[dict[str, Any]]:
    return [one for one in stand.incidents() if one["status"] not in {"resolved", "escalated"}]
