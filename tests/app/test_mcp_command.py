from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command


@pytest.mark.parametrize(("client", "variable"), [("json", "${COUNTER"), ("cursor", "${env:COUNTER")])
def test_the_configuration_names_the_gateway_and_no_secret(client: str, variable: str) -> None:
    out = StringIO()
    call_command("mcp", "--client", client, stdout=out, stderr=StringIO())
    server = json.loads(out.getvalue())["mcpServers"]["countersign"]
    assert server["url"] == "http://127.0.0.1:8002/mcp"
    assert server["headers"]["Authorization"].startswith(f"Bearer {variable}")


def test_for_claude_it_is_one_line() -> None:
    out = StringIO()
    call_command("mcp", "--client", "claude", stdout=out, stderr=StringIO())
    assert out.getvalue().startswith("claude mcp add --transport http countersign http://127.0.0.1:8002/mcp --header")
