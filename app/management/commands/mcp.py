"""Print how an MCP client is connected: your own agent reads and proposes through the gateway, and can do no more."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

VARIABLE = "COUNTERSIGN_AGENT_TOKEN"  # in the client's environment, so that the file can be committed


class Command(BaseCommand):
    help = "Print the configuration of an MCP client: Claude Code, Cursor or any other."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--client", choices=["claude", "cursor", "json"], default="json")
        parser.add_argument("--url", default=f"{settings.GATEWAY_URL}/mcp", help="where the client reaches the gateway")

    def handle(self, *args: Any, **options: Any) -> None:
        url = options["url"]
        if options["client"] == "claude":
            self.stdout.write(
                f'claude mcp add --transport http countersign {url} --header "Authorization: Bearer ${VARIABLE}"'
            )
        else:
            reference = f"${{env:{VARIABLE}}}" if options["client"] == "cursor" else f"${{{VARIABLE}}}"
            server = {"type": "http", "url": url, "headers": {"Authorization": f"Bearer {reference}"}}
            self.stdout.write(json.dumps({"mcpServers": {"countersign": server}}, indent=2))
        self.stderr.write(
            f"Make a token for an agent under Settings › Tokens, scopes read and propose, and put it into {VARIABLE}. "
            "The gateway listens on this machine alone; from elsewhere go through a tunnel of yours."
        )
