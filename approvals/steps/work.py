"""The contract of a production step: look up by key, act, take back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from django.core.serializers.json import DjangoJSONEncoder

from approvals.models import Proposal
from approvals.plan import Plan, Step
from integrations.connections import connector, host, lent
from integrations.errors import Refused
from integrations.models import Connection
from integrations.values import Json
from knowledge.headers import header_of


@dataclass(frozen=True)
class Job:
    """One step of one execution, with the key that lands with its effect."""

    proposal: Proposal
    plan: Plan
    step: Step
    key: str
    # Reads everything again and raises when it no longer holds: called just before each effect.
    recheck: Callable[[], None]


@dataclass(frozen=True)
class Done:
    """What a step left behind. `ok` is false when it ran to its end and the tool said that it failed."""

    receipt: Json
    ok: bool = True
    output: str = ""


class StepWork(Protocol):
    def lookup(self, job: Job) -> Done | None:
        """What happened under this key already, told by the target itself."""

    def act(self, job: Job) -> Done: ...
    def undo(self, job: Job, receipt: Json) -> Done | None:
        """Take back what `receipt` tells; None when it left nothing to take back."""


def connected(name: str, header: Json | None = None) -> Any:
    """The connector of a connection, calling with the header that the plan names, if it names one.

    Raises Refused when it is gone or disabled, or when the note no longer says what was signed.
    """
    connection = Connection.objects.filter(name=name, enabled=True).first()
    if connection is None:
        raise Refused(f"The connection {name} is gone or disabled.")
    return connector(connection, header=_lent(connection, header) if header else None)


def _lent(connection: Connection, header: Json) -> tuple[str, str]:
    hint = header_of(int(header["entry"]), host(connection))
    if hint is None or (hint.name, hint.reference) != (header["name"], header["reference"]):
        raise Refused(f"The note that names the header of calls to {connection.name} does not say so any more.")
    return lent(connection, hint.name, hint.reference, hint.host)


def plain(value: Any) -> Any:
    """As JSON keeps it: times become text, tuples lists."""
    return json.loads(json.dumps(value, cls=DjangoJSONEncoder))
