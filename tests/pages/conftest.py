from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from incidents.models import Incident
from tests.approvals.light import Light, light
from tests.pages import seed


@pytest.fixture
def cast(db: None) -> dict[str, Any]:
    """on_call and lead may sign, the analyst may only look."""
    return seed.people()


@pytest.fixture
def yen(cast: dict[str, Any]) -> Incident:
    """INC-1042 among the rows of the design's inbox; on_call's signature is the one that is missing."""
    return seed.inbox(cast)


@pytest.fixture
def console(client: Any, cast: dict[str, Any]) -> Any:
    """A browser without script, signed in as the on-call engineer."""
    client.force_login(cast["on_call"])
    return client


@pytest.fixture
def world(tmp_path: Path, transactional_db: None) -> Light:
    """Real engines, so that a decision can really be made."""
    return light(tmp_path)
