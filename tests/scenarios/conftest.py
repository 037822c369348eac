"""One running installation with the demo for all scenarios; each leaves it healthy for the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenarios.stand import Stand, running, wait


@pytest.fixture(scope="session")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with running(tmp_path_factory.mktemp("stand")) as found:
        yield found


@pytest.fixture(autouse=True)
def healthy_again(stand: Stand) -> Iterator[None]:
    yield
    stand.demo("reset")
    stand.demo("run")
    wait(lambda: None if still_open(stand) else True, 60, "all to be resolved by the next good run", stand.incidents)


def still_open(stand: Stand) -> list[dict[str, Any]]:
    return [one for one in stand.incidents() if one["status"] not in {"resolved", "escalated"}]
