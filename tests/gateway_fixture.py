"""The gateway in the test's own thread and on its connection: `from tests.gateway_fixture import gateway`."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from app.gateway.asgi import Wsgi
from integrations import gateway_client


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[None]:
    monkeypatch.setattr(gateway_client, "TRANSPORT", httpx.WSGITransport(app=Wsgi()))
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)  # because the test's transaction lives on this connection
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
