"""Fixtures for everybody: a real PostgreSQL, the cast by role, and a network that ends at loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Browser

from tests.chromium import chromium
from tests.settings import SERVER

LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A process or thread that a test started may still hold a session when the database is dropped."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="session")
def postgres_dsn() -> str:
    """A superuser's URL of the test server, for databases of a test's own."""
    return SERVER.url("postgres")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing but loopback and unix sockets can be reached."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise AssertionError(f"A test tried to reach {address[0]}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield


@pytest.fixture
def viewer(db: None) -> object:
    return factories().user("viewer", "viewer")


@pytest.fixture
def operator(db: None) -> object:
    return factories().user("operator", "operator")


@pytest.fixture
def approver(db: None) -> object:
    return factories().user("approver", "approver")


@pytest.fixture
def second_approver(db: None) -> object:
    return factories().user("second_approver", "approver")


@pytest.fixture
def auditor(db: None) -> object:
    return factories().user("auditor", "auditor")


@pytest.fixture
def administrator(db: None) -> object:
    return factories().user("administrator", "administrator")


@pytest.fixture
def outsider(db: None) -> object:
    """Signed in, and has no role at all."""
    return factories().user("outsider")


def factories() -> Any:
    """Late, because models may be imported only after Django is set up."""
    return import_module("tests.factories")
