"""What a process without secrets may read through the gateway: a signed note that names it all and soon ends."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from django.conf import settings

from app.core.canonical import canonical
from integrations.errors import Refused

TTL_S = 600  # seconds: longer than any diagnosis, shorter than a coffee break

# tool -> the port that a connector must have to answer it. What is not here does not exist: all of it reads only.
TOOLS = {
    "schema": "Inspector",
    "versions": "Inspector",
    "profile": "Inspector",
    "sample": "Inspector",
    "changes": "Inspector",
    "read_file": "Inspector",
    "grants": "Inspector",
    "parameters": "PipelineRunner",
    "workload": "Workloads",
}
# What the gateway answers from the database, for agents: the numbered evidence of the incident.
KEPT = {"evidence"}


@dataclass(frozen=True)
class Grant:
    """For one incident (none for the detector): these tools, on these connections, until then."""

    incident: int | None
    tools: tuple[str, ...]
    connections: tuple[str, ...]
    expires: int  # epoch seconds
    nonce: str
    # Name of the model's connection that may be called; empty for none.
    model: str = ""
    # For an agent: the argument rules of app/gateway/scope.py hold, and what it read is kept.
    agent: bool = False


def mint(
    incident: int | None, connections: Iterable[str], tools: Iterable[str] = TOOLS, ttl_s: int = TTL_S,
    *, model: str = "", agent: bool = False,
) -> str:  # fmt: skip
    """A grant as a token. Raises Refused for an unknown tool, or a life of more than ten minutes."""
    asked = tuple(sorted(set(tools)))
    if unknown := set(asked) - TOOLS.keys() - KEPT:
        raise Refused(f"There is no tool named {', '.join(sorted(unknown))}.")
    if not 0 < ttl_s <= TTL_S:
        raise Refused(f"A grant lives at most {TTL_S} seconds.")
    expires = int(time.time()) + ttl_s
    nonce = secrets.token_hex(8)
    grant = Grant(incident, asked, tuple(sorted(set(connections))), expires, nonce, model, agent)
    body = base64.urlsafe_b64encode(canonical(asdict(grant))).decode()
    return f"{body}.{_signature(body)}"


def opened(token: str) -> Grant:
    """Raises Refused, saying nothing of why, for a token that is forged, torn or over."""
    body, _, signature = token.partition(".")
    if not settings.GATEWAY_KEY or not hmac.compare_digest(signature.encode(), _signature(body).encode()):
        raise Refused("The grant is not valid.")
    try:
        values = json.loads(base64.urlsafe_b64decode(body))
    except (binascii.Error, ValueError) as error:
        raise Refused("The grant is not valid.") from error
    grant = Grant(**{**values, "tools": tuple(values["tools"]), "connections": tuple(values["connections"])})
    if grant.expires < time.time():
        raise Refused("The grant is not valid.")
    return grant


def _signature(body: str) -> str:
    return hmac.new(settings.GATEWAY_KEY.encode(), body.encode(), hashlib.sha256).hexdigest()
