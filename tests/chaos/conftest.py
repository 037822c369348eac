from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app

from tests.approvals.light import Light, light
from tests.chaos.pack import Pack, free_port, listen


@pytest.fixture
def world(tmp_path: Path, transactional_db: None) -> Light:
    return light(tmp_path)


@pytest.fixture
def pack(tmp_path: Path, world: Light) -> Iterator[Pack]:
    """Workers are stopped before the test database is emptied."""
    own = current_app.conf.broker_url
    home = tmp_path / "pack"
    home.mkdir()
    made = Pack(home, free_port())
    try:
        made.start()
        yield made
    finally:
        made.stop()
        listen(own)
