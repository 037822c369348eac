from __future__ import annotations

from pathlib import Path

import pytest

from tests.approvals.light import Light, light


@pytest.fixture
def world(tmp_path: Path, transactional_db: None) -> Light:
    """Real engines, and transactions that really commit: steps use leases, threads and row locks."""
    return light(tmp_path)
