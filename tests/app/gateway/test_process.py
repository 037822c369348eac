from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from django.db import connection

from incidents.models import ToolCall
from integrations import errors
from integrations.gateway_client import Gateway
from integrations.models import Connection


@pytest.fixture
def process(transactional_db: None, settings: object) -> Iterator[None]:
    """The real gateway, started as the launcher starts it, on the test's database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    database = connection.settings_dict
    url = "postgresql://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)
    settings.GATEWAY_URL = f"http://127.0.0.1:{port}"  # type: ignore[attr-defined]
    options = ["--interface", "asgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    child = subprocess.Popen(
        [sys.executable, "-m", "granian", *options, "--workers-kill-timeout", "3", "app.gateway:application"],
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "app.settings"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield
    os.killpg(child.pid, signal.SIGTERM)
    child.wait(timeout=10)


def test_the_gateway_serves_as_a_process_and_waits_for_nobody_without_a_grant(
    process: None, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.gateway_client.CONNECT_FOR_S", 20.0)
    config = {"namespace": "git://none", "path": str(tmp_path), "branch": "main"}
    Connection.objects.create(name="code", kind="git", config=config)
    with pytest.raises(errors.IntegrationError):  # an empty folder is no repository; the process said so
        Gateway(None, ["code"]).read("read_file", {"connection": "code", "path": "a.sql"})
    assert ToolCall.objects.get().tool == "read_file"
    url = Gateway(None, ["code"]).http.base_url
    assert httpx.get(f"{url}/healthz").json() == {"ok": True}
    assert httpx.post(f"{url}/tools/read_file", json={}).status_code == 401
    assert httpx.get(f"{url}/").status_code == 404
