"""A record for every reading: what was asked, a digest of what was answered, and how long it took."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from time import monotonic
from typing import Any
from uuid import UUID

from app.core.canonical import sha256
from incidents.models import ToolCall
from integrations.values import Json

MAX_RESULT = 4_000_000  # bytes; a larger answer is no evidence that anybody reads


@dataclass(frozen=True)
class Answer:
    body: bytes
    status: int = 200
    error: str = ""

    @classmethod
    def of(cls, result: Any) -> Answer:
        body = json.dumps(result, default=_plain, allow_nan=False).encode()
        if len(body) > MAX_RESULT:
            return cls.refused("too_large", f"The answer has more than {MAX_RESULT} bytes.", 413)
        return cls(body)

    @classmethod
    def refused(cls, code: str, message: str, status: int) -> Answer:
        return cls(json.dumps({"error": code, "message": message}).encode(), status, f"{code}: {message}"[:1000])


def _plain(value: Any) -> str:
    """What JSON lacks and a row may hold; anything else is a mistake of a connector, and said as such."""
    if isinstance(value, date | time | Decimal | UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")


def recorded(incident: int | None, tool: str, arguments: Json, ask: Callable[[], Answer]) -> Answer:
    """Ask, record, and wrap a good answer together with the number of its record."""
    answer, number = kept(incident, tool, arguments, ask)
    if answer.error:
        return answer
    return Answer(b'{"result":' + answer.body + b',"call":%d}' % number)


def kept(
    incident: int | None, tool: str, arguments: Json, ask: Callable[[], Answer], *,
    caller: str = "rules", nonce: str = "", shown: int = 0,
) -> tuple[Answer, int]:  # fmt: skip
    """Ask and record; the answer and the number of its record, with the first `shown` characters of it."""
    started = monotonic()
    answer = ask()
    call = ToolCall.objects.create(
        incident_id=incident,
        tool=tool[:40],
        arguments=arguments,
        arguments_digest=sha256(arguments),
        result_digest=sha256(answer.body) if not answer.error else "",
        result=answer.body.decode()[:shown],
        ok=not answer.error,
        error=answer.error,
        milliseconds=int((monotonic() - started) * 1000),
        caller=caller[:60],
        nonce=nonce,
    )
    return answer, int(call.pk)
