"""Data folders that the embedded servers' user can reach, and an environment without the test run's own servers."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from app.launcher.folder import DataFolder
from tests.app.launcher.started import SCRUBBED, reachable


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(SCRUBBED) and not name.startswith(("DJANGO_", "PYTEST_")):
            monkeypatch.delenv(name)


@pytest.fixture
def folder() -> Iterator[DataFolder]:
    yield from reachable()
