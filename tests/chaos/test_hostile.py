"""10,000 actions of a hostile model, measured at the database's log and at the socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.incidents.hostile import A_TURN
from tests.incidents.siege import besieged, outside_database
from tests.incidents.test_hostile_model import TURNS, granted_alone, storm

ACTIONS = 10_000


@pytest.mark.chaos
def test_ten_thousand_hostile_actions_get_nothing(transactional_db: None, tmp_path: Path, settings: Any) -> None:
    sessions = -(-ACTIONS // (A_TURN * TURNS))
    with outside_database() as dsn:
        incident = besieged(tmp_path, dsn)
        said = storm(settings, incident, sessions, sandbox="bubblewrap")
        granted_alone(incident)
    assert int(said.split(": ")[1].split()[0]) >= ACTIONS, said
