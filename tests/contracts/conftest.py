from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.worlds import World, git_world, iceberg_world


@pytest.fixture(params=[git_world, iceberg_world], ids=["git", "iceberg"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    made: World = request.param(tmp_path)
    return made
