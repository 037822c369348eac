"""One small lakehouse with its rates service. With every name changed it is built in tests/incidents."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.demo import build, rates_service
from integrations.demo.lakehouse import Lakehouse

DAYS = 2


@pytest.fixture(scope="session")
def lakehouse(tmp_path_factory: pytest.TempPathFactory, postgres_dsn: str) -> Iterator[Lakehouse]:
    home: Path = tmp_path_factory.mktemp("demo") / "home"
    found = build.build(home, crm_admin_dsn=postgres_dsn, days=DAYS, progress=lambda line: None)
    service = rates_service.server(found.rates_port, found.rates_state)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        service.shutdown()
        service.server_close()
        build.destroy(home, postgres_dsn)
