"""How a process without secrets reads the outside world: one HTTP call a question, to the gateway and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx
from django.conf import settings

from integrations import errors, grants
from integrations.models import Connection
from integrations.registry import CONNECTORS
from integrations.values import Json

TIMEOUT_S = 30.0  # seconds: a profile of a large table
CONNECT_FOR_S = 5.0  # seconds that a gateway may take to come back after a restart
PAUSE_S = 0.2
FROM_CODE: dict[str, type[errors.IntegrationError]] = {
    "unsupported": errors.Unsupported,
    "permission_denied": errors.PermissionDenied,
    "refused": errors.Refused,
    "unreachable": errors.Unreachable,
    "secret_unavailable": errors.SecretUnavailable,
}

# Tests put an in-process transport here; None is the network.
TRANSPORT: httpx.BaseTransport | None = None


@dataclass(frozen=True)
class Reading:
    """An answer, and the number of the ToolCall that recorded it."""

    result: Any
    call: int | None


class Gateway:
    """One grant for one incident, used for many readings."""

    def __init__(
        self, incident: int | None, connections: Iterable[str], tools: Iterable[str] = grants.TOOLS, ttl_s: int = 600
    ) -> None:
        self.token = grants.mint(incident, connections, tools, ttl_s)
        self.http = httpx.Client(base_url=settings.GATEWAY_URL, timeout=TIMEOUT_S, transport=TRANSPORT, trust_env=False)

    def read(self, tool: str, arguments: Json) -> Reading:
        """Raises an IntegrationError: the connector's own, or Refused when the grant does not allow it."""
        answer = self._post(f"/tools/{tool}", arguments)
        body = answer.json() if answer.headers.get("content-type", "").startswith("application/json") else {}
        if answer.is_success:
            return Reading(body["result"], body.get("call"))
        error = FROM_CODE.get(body.get("error", ""), errors.IntegrationError)
        raise error(body.get("message", f"The gateway answered {answer.status_code}."))

    def _post(self, path: str, arguments: Json) -> httpx.Response:
        end = time.monotonic() + CONNECT_FOR_S
        while True:
            try:
                return self.http.post(path, json=arguments, headers={"Authorization": f"Bearer {self.token}"})
            except httpx.ConnectError as error:
                if time.monotonic() > end:
                    raise errors.Unreachable("The gateway does not answer. Look at `manage.py doctor`.") from error
                time.sleep(PAUSE_S)
            except httpx.HTTPError as error:
                raise errors.Unreachable(f"The gateway did not answer: {type(error).__name__}.") from error


def read(incident: int | None, tool: str, arguments: Json) -> Any:
    """One reading under a grant of its own. `arguments` name an asset (`namespace`, `name`) or a `connection`."""
    found = named(tool, arguments)
    if found is None:
        raise errors.Unsupported("Nothing that can answer is connected there.")
    return Gateway(incident, [found.name], [tool], ttl_s=60).read(tool, arguments).result


def named(tool: str, arguments: Json) -> Connection | None:
    """The enabled connection that the arguments of a tool mean, if it can answer that tool."""
    kinds = [entry.kind for entry in CONNECTORS.values() if grants.TOOLS.get(tool) in entry.ports]
    rows = Connection.objects.filter(enabled=True, kind__in=kinds).order_by("pk")
    if name := arguments.get("connection"):
        return rows.filter(name=str(name)).first()
    return rows.filter(config__namespace=str(arguments.get("namespace", ""))).first()
