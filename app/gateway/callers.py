"""Who calls over MCP: our own agent under a grant, or a person's agent with a token made for the gateway."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app.core.audit import storable
from app.core.errors import CountersignError
from app.core.models import ApiToken
from app.core.token import GATEWAY, bearer
from app.gateway import curated, pins, scope
from app.gateway.cover import covered
from app.gateway.definitions import CURATED, GRANTED, Definition, misfit
from app.gateway.record import Answer, kept
from app.gateway.tools import STATUS, run
from incidents.models import Evidence
from integrations import errors, grants
from integrations.grants import Grant
from integrations.values import Json

QUOTA = 60  # calls of one grant, refused ones included: an agent that needs more is lost
HOURLY = 300  # calls of one token
TEXT_LIMIT = 20_000  # characters of a result that an agent is shown

_lock = threading.Lock()
_used: Counter[str] = Counter()  # in memory, because the gateway is one process and a grant lives ten minutes


class Caller(Protocol):
    def tools(self) -> list[Definition]: ...
    def call(self, name: str, arguments: Json) -> tuple[str, bool]:
        """The text of the answer, and whether it is an error."""


def caller(header: str) -> Caller:
    """Raises Refused, saying nothing of why."""
    key = header.removeprefix("Bearer ").strip()
    if "." in key:  # a grant is a body and a signature; a token has no dot
        grant = grants.opened(key)
        if not grant.agent or grant.incident is None:
            raise errors.Refused("The grant is not valid.")
        return OwnAgent(grant)
    token = bearer(key, audience=GATEWAY) if key else None
    if token is None:
        raise errors.Refused("The token is not valid here. Make one for an agent under Settings › Tokens.")
    return Foreign(token)


@dataclass(frozen=True)
class OwnAgent:
    grant: Grant

    def tools(self) -> list[Definition]:
        return pins.in_use(one for one in GRANTED if one.name in self.grant.tools)

    def call(self, name: str, arguments: Json) -> tuple[str, bool]:
        def ask(given: Json) -> Answer:
            if name == "evidence":
                return _evidence(self.grant, str(given["label"]))
            connection, placed = scope.placed(self.grant, name, given)
            return run(name, connection, placed)

        return _recorded(
            self.tools(), name, arguments, ask, incident=self.grant.incident, who="agent", nonce=self.grant.nonce,
            quota=QUOTA,
        )  # fmt: skip


@dataclass(frozen=True)
class Foreign:
    token: ApiToken

    def tools(self) -> list[Definition]:
        return pins.in_use(one for one in CURATED if one.scope in self.token.scopes)

    def call(self, name: str, arguments: Json) -> tuple[str, bool]:
        who = f"token {self.token.pk} of {self.token.user.username}"[:60]
        return _recorded(
            self.tools(), name, arguments, lambda given: curated.answer(self.token, name, given),
            incident=curated.incident_of(arguments), who=who, nonce="", quota=HOURLY,
        )  # fmt: skip


def _recorded(
    allowed: list[Definition], name: str, arguments: Json, ask: Callable[[Json], Answer], *,
    incident: int | None, who: str, nonce: str, quota: int,
) -> tuple[str, bool]:  # fmt: skip
    """Check, ask, cover, record. What was refused is recorded like what was answered."""
    shown, secrets = covered(arguments)
    name, counted = storable(name), _counted(nonce or f"{who} {time.time() // 3600}", quota)

    def checked() -> Answer:
        definition = next((one for one in allowed if one.name == name), None)
        if not counted:
            return Answer.refused("denied", "The grant is used up.", 403)
        if definition is None:
            return Answer.refused("denied", "You have no such tool.", 403)
        if secrets:
            return Answer.refused("secret", "The arguments hold what looks like a secret.", 422)
        if said := misfit(definition, shown):
            return Answer.refused("invalid", said, 422)
        return _safely(lambda: ask(shown))

    told = shown if counted else {}  # because who is lost must not fill the database
    answer, number = kept(incident, name, told, checked, caller=who, nonce=nonce, shown=TEXT_LIMIT)
    if answer.error:
        return json.dumps({"error": answer.error}), True
    text = answer.body.decode()
    data = json.loads(text) if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]} (cut)"
    return json.dumps({"cite": shown["label"] if name == "evidence" else f"R{number}", "data": data}), False


def _safely(ask: Callable[[], Answer]) -> Answer:
    """A good answer without its secrets; a refusal as an answer."""
    try:
        answer = ask()
    except errors.IntegrationError as error:
        code, status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
        return Answer.refused(code, str(error), status)
    except CountersignError as error:
        return Answer.refused(error.code, str(error), error.status)
    if answer.error:
        return Answer(answer.body, answer.status, covered(answer.error)[0])
    return Answer.of(covered(json.loads(answer.body))[0])


def _evidence(grant: Grant, label: str) -> Answer:
    found = Evidence.objects.filter(incident=grant.incident or 0, label=label).first()
    if found is None:
        return Answer.refused("unsupported", "There is no such evidence.", 404)
    return Answer.of({"kind": found.kind, "title": found.title, "trust": found.trust, "body": found.body})


def _counted(nonce: str, quota: int) -> bool:
    with _lock:
        if len(_used) > 10_000:
            _used.clear()  # because nonces of grants that ended are of no use to anybody
        _used[nonce] += 1
        return _used[nonce] <= quota
