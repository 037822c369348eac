"""Two small lakehouses, one with the demo's names and one with names that say nothing, each with its rates service."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from integrations.demo import build, rates_service
from integrations.demo.lakehouse import Lakehouse
from integrations.demo.names import DEFAULT, Names, scrambled

DAYS = 2


@contextmanager
def standing(home: Path, dsn: str, names: Names) -> Iterator[Lakehouse]:
    lakehouse = build.build(home, crm_admin_dsn=dsn, names=names, days=DAYS, progress=lambda line: None)
    service = rates_service.server(lakehouse.rates_port, lakehouse.rates_state)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    try:
        yield lakehouse
    finally:
        service.shutdown()
        service.server_close()
        build.destroy(home, dsn)


@pytest.fixture(scope="session")
def lakehouse(tmp_path_factory: pytest.TempPathFactory, postgres_dsn: str) -> Iterator[Lakehouse]:
    with standing(tmp_path_factory.mktemp("demo") / "home", postgres_dsn, DEFAULT) as found:
        yield found


@pytest.fixture(scope="session")
def renamed(tmp_path_factory: pytest.TempPathFactory, postgres_dsn: str) -> Iterator[Lakehouse]:
    with standing(tmp_path_factory.mktemp("renamed") / "home", postgres_dsn, scrambled(7)) as found:
        yield found


@pytest.fixture(params=["lakehouse", "renamed"])
def either(request: pytest.FixtureRequest) -> Lakehouse:
    """One after the other: the demo as it is, and with every name changed."""
    found: Lakehouse = request.getfixturevalue(request.param)
    return found
