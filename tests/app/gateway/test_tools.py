from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from incidents.models import ToolCall
from integrations import errors, grants
from integrations.gateway_client import Gateway, read
from integrations.models import Connection
from tests import factories
from tests.gateway_fixture import gateway

__all__ = ["gateway"]
WHO = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]


@pytest.fixture
def code(tmp_path: Path, db: None) -> Connection:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "a.sql").write_text("select 1\n")
    for command in (["init", "-q", "-b", "main"], ["add", "."], [*WHO, "commit", "-q", "-m", "Begin"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    return Connection.objects.create(
        name="code", kind="git", config={"namespace": "git://code", "path": str(folder), "branch": "main"}
    )


def test_a_file_is_read_and_the_reading_recorded(code: Connection, gateway: None) -> None:
    incident = factories.incident()
    reading = Gateway(incident.pk, ["code"]).read("read_file", {"connection": "code", "path": "a.sql"})
    assert reading.result == "select 1\n"
    call = ToolCall.objects.get()
    assert reading.call == call.pk
    assert (call.incident_id, call.tool, call.ok) == (incident.pk, "read_file", True)
    assert len(call.arguments_digest) == len(call.result_digest) == 64


def test_changes_come_with_their_paths(code: Connection, gateway: None) -> None:
    (commit,) = read(None, "changes", {"connection": "code", "paths": []})
    assert (commit["author"], commit["subject"], commit["paths"]) == ("Ada", "Begin", ["a.sql"])


def test_what_the_connector_lacks_is_said_and_recorded(code: Connection, gateway: None) -> None:
    with pytest.raises(errors.Unsupported, match="no rows"):
        read(None, "profile", {"namespace": "git://code", "name": "a.sql"})
    assert ToolCall.objects.get().error.startswith("unsupported")


@pytest.mark.parametrize("tool", ["read_file", "write_file"])
def test_a_tool_that_the_grant_does_not_name_is_refused(code: Connection, gateway: None, tool: str) -> None:
    with pytest.raises(errors.IntegrationError, match="does not name this tool"):
        Gateway(None, ["code"], ["schema"]).read(tool, {"connection": "code", "path": "a.sql"})
    assert not ToolCall.objects.get().ok


def test_a_connection_that_the_grant_does_not_name_is_refused(code: Connection, gateway: None) -> None:
    with pytest.raises(errors.IntegrationError, match="does not name this connection"):
        Gateway(None, ["other"]).read("read_file", {"connection": "code", "path": "a.sql"})


def forged(token: str) -> str:
    body, _, signature = token.partition(".")
    return f"{body[:-4]}AAA=.{signature}"


@pytest.mark.parametrize("spoil", [forged, lambda token: token + "0", lambda token: "", lambda token: "é.é"])
def test_a_forged_grant_is_refused(code: Connection, gateway: None, spoil: Any) -> None:
    reader = Gateway(None, ["code"])
    reader.token = spoil(reader.token)
    if reader.token.isascii():
        with pytest.raises(errors.IntegrationError, match="not valid"):
            reader.read("read_file", {"connection": "code", "path": "a.sql"})
    else:
        with pytest.raises(errors.Refused):
            grants.opened(reader.token)
    assert not ToolCall.objects.exists()


def test_a_grant_that_is_over_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    token = grants.mint(None, ["code"], ttl_s=60)
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(errors.Refused):
        grants.opened(token)


def test_no_grant_lives_longer_than_ten_minutes() -> None:
    with pytest.raises(errors.Refused):
        grants.mint(None, ["code"], ttl_s=601)


def test_a_used_up_grant_is_refused(code: Connection, gateway: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.gateway.views.QUOTA", 1)
    reader = Gateway(None, ["code"])
    reader.read("read_file", {"connection": "code", "path": "a.sql"})
    with pytest.raises(errors.IntegrationError, match="used up"):
        reader.read("read_file", {"connection": "code", "path": "a.sql"})


def test_an_answer_that_nobody_could_read_is_refused(
    code: Connection, gateway: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.gateway.record.MAX_RESULT", 4)
    with pytest.raises(errors.IntegrationError, match="more than 4 bytes"):
        read(None, "read_file", {"connection": "code", "path": "a.sql"})


def test_arguments_that_lack_something_are_an_answer(code: Connection, gateway: None) -> None:
    with pytest.raises(errors.IntegrationError, match="KeyError"):
        read(None, "read_file", {"connection": "code"})


def test_every_tool_that_can_be_granted_exists() -> None:
    from app.gateway.tools import CALLS

    assert CALLS.keys() == grants.TOOLS.keys()
