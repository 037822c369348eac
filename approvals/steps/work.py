"""The contract of a production step: look up by key, act, take back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from django.core.serializers.json import DjangoJSONEncoder

from approvals.models import Proposal
from approvals.plan import Plan, Step
from integrations.connections import connector
from integrations.errors import Refused
from integrations.models import Connection
from integrations.values import Json


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


def connected(name: str) -> Any:
    """The connector of a connection. Raises Refused when it is gone or disabled."""
    connection = Connection.objects.filter(name=name, enabled=True).first()
    if connection is None:
        raise Refused(f"The connection {name} is gone or disabled.")
    return connector(connection)


def plain(value: Any) -> Any:
    """As JSON keeps it: times become text, tuples lists."""
    return json.loads(json.dumps(value, cls=DjangoJSONEncoder))
