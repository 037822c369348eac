"""One MCP call as a client sends it, without a client's ceremony."""

from __future__ import annotations

import json
from typing import Any

import httpx

from integrations import gateway_client


def post(token: str, message: Any, **headers: str) -> httpx.Response:
    with httpx.Client(transport=gateway_client.TRANSPORT, base_url="http://gateway") as http:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream", **headers}
        return http.post("/mcp", content=json.dumps(message), headers=headers)


def call(token: str, tool: str, **arguments: Any) -> tuple[Any, bool]:
    """What the tool said, and whether it is an error."""
    params = {"name": tool, "arguments": arguments}
    result = post(token, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).json()["result"]
    said = json.loads(result["content"][0]["text"])
    return (said["error"] if result["isError"] else said["data"]), result["isError"]


def listed(token: str) -> list[str]:
    answer = post(token, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).json()
    return [tool["name"] for tool in answer["result"]["tools"]]
