"""The gateway in the test's own thread and on its connection: `from tests.gateway_fixture import gateway`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.gateway.asgi import Wsgi
from integrations import gateway_client


class InThread(Wsgi):
    """Without the signals of a request: they would close the connection that the test's transaction lives on."""

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        response = self.get_response(self.request_class(environ))
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return [bytes(part) for part in response]


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setattr(gateway_client, "TRANSPORT", httpx.WSGITransport(app=InThread()))
