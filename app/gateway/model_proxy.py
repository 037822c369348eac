"""The way to the model's API: the only place that adds the key. What passes is bounded, covered, counted and kept."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any

import httpx
from django.db.models.functions import Now

from app.core.canonical import sha256
from app.core.errors import CountersignError, Invalid
from app.gateway import budget
from app.gateway.cover import covered
from incidents.agent.records import ModelCall
from incidents.bodies import read_object
from integrations import vault
from integrations.addresses import Checked, ForbiddenAddress
from integrations.errors import SecretUnavailable
from integrations.grants import Grant
from integrations.llm import config as models
from integrations.llm.config import ANTHROPIC
from integrations.models import Connection
from integrations.values import Json

log = logging.getLogger(__name__)

TIMEOUT_S = 60.0  # seconds for one answer
MAX_REQUEST, MAX_ANSWER = 400_000, 1_000_000  # bytes
MOST_OUT = 4_000  # tokens of one answer
BYTES_A_TOKEN = 3  # fewer than in any text, so that the booked tokens are never too few
CACHED = timedelta(hours=24)
PATHS = {"chat/completions": False, "messages": True}  # path -> whether it is Anthropic's
# What a caller may say; the model's name, streaming, users and stores of the provider are ours to say.
FIELDS = {
    "messages", "system", "tools", "tool_choice", "temperature", "response_format", "parallel_tool_calls", "stop",
    "stop_sequences", "max_tokens", "max_completion_tokens",
}  # fmt: skip

# What a question is made of. A picture or document by its address, or a tool that the provider runs itself (a search, a
# fetch, a shell), would be a way out to the network.
PARTS = {"text", "refusal", "tool_use", "tool_result", "thinking", "redacted_thinking"}
TOOLS = {"function", "custom"}

# Tests put an in-process transport here; None is the network.
TRANSPORT: httpx.BaseTransport | None = None


class NoModel(CountersignError):
    """The model did not answer."""

    status, code = 502, "model_failed"


@dataclass(frozen=True)
class Reply:
    body: Json
    status: int = 200


def forward(grant: Grant, path: str, raw: bytes) -> Reply:
    """One question to the model. Raises Invalid, OverBudget or NoModel; the caller's answer is never the key's."""
    config = _config(grant)
    if path not in PATHS or PATHS[path] != (config.provider == ANTHROPIC):
        raise Invalid("The model is not asked by this address.")
    body, hidden = covered(_body(config, raw))
    digest = sha256({"model": config.label, "at": config.address, "body": body})
    if answer := from_record(grant, config, digest):
        return Reply(answer)
    tokens_in = len(json.dumps(body).encode()) // BYTES_A_TOKEN + 1
    call = budget.book(config, grant, digest, tokens_in, _most_out(body))
    call.covered = hidden
    return settled(call, config, ask(call, config, path, body))


def _config(grant: Grant) -> models.ModelConfig:
    config = models.current()
    if config is None or not grant.model or grant.model != config.connection:
        raise Invalid("The grant names no model.")
    return config


def _body(config: models.ModelConfig, raw: bytes) -> Json:
    if len(raw) > MAX_REQUEST:
        raise Invalid(f"A question has at most {MAX_REQUEST} bytes.")
    given = read_object(raw)
    if not isinstance(given.get("messages"), list):
        raise Invalid("The question has no messages.")
    body = {name: value for name, value in given.items() if name in FIELDS}
    if _reaches([body.get("system"), *body["messages"]]) or not _are_ours(body.get("tools", [])):
        raise Invalid("A question holds text and tools of ours, nothing that the provider would fetch or run.")
    wanted = body.pop("max_completion_tokens", None) or body.get("max_tokens")
    body["max_tokens"] = min(wanted, MOST_OUT) if isinstance(wanted, int) and wanted > 0 else MOST_OUT
    return {**body, "model": config.model, "stream": False}


def _reaches(content: Any) -> bool:
    """Whether a part of it, or of what is in it, is anything but text and calls of tools."""
    if isinstance(content, dict):
        return content.get("type", "text") not in PARTS or _reaches(content.get("content"))
    return isinstance(content, list) and any(_reaches(part) for part in content)


def _are_ours(tools: Any) -> bool:
    return isinstance(tools, list) and all(isinstance(t, dict) and t.get("type", "custom") in TOOLS for t in tools)


def _most_out(body: Json) -> int:
    return int(body["max_tokens"])


def from_record(grant: Grant, config: models.ModelConfig, digest: str) -> Json | None:
    """The answer to the very same question of the same day, at no cost."""
    found = ModelCall.objects.filter(request_digest=digest, state="ok", at__gt=Now() - CACHED).order_by("-pk").first()
    if found is None or not isinstance(found.answer, dict):
        return None
    ModelCall.objects.create(
        incident_id=grant.incident, connection=found.connection, nonce=grant.nonce, model=config.label,
        request_digest=digest, answer_digest=found.answer_digest, state="cached",
    )  # fmt: skip
    return found.answer


def ask(
    call: ModelCall, config: models.ModelConfig, path: str, body: Json, most: int = MAX_ANSWER
) -> httpx.Response | str:
    """The provider's answer of at most so many bytes, or why there is none."""
    started = monotonic()
    try:
        # Redirects are not followed: the key would go to whoever the answer names.
        with (
            httpx.Client(timeout=TIMEOUT_S, transport=TRANSPORT or Checked(), trust_env=False) as http,
            http.stream("POST", f"{config.address}/{path}", json=body, headers=_headers(config)) as answer,
        ):
            return _whole(answer, started + TIMEOUT_S, most)
    except SecretUnavailable as error:
        return str(error)
    except ForbiddenAddress as error:
        return str(error)
    except httpx.TimeoutException:
        return f"The model did not answer within {TIMEOUT_S:.0f} s."
    except httpx.HTTPError as error:
        return f"The model could not be reached: {type(error).__name__}."
    finally:
        call.milliseconds = int((monotonic() - started) * 1000)


def _whole(answer: httpx.Response, end: float, most: int) -> httpx.Response | str:
    """All of it, unless it is endless in bytes or, drop by drop, in time."""
    read = bytearray()
    for chunk in answer.iter_bytes():
        read += chunk
        if len(read) > most:
            return f"The model's answer has more than {most} bytes."
        if monotonic() > end:
            return f"The model did not answer within {TIMEOUT_S:.0f} s."
    return httpx.Response(answer.status_code, content=bytes(read))


def _headers(config: models.ModelConfig) -> dict[str, str]:
    row = Connection.objects.filter(name=config.connection, kind=config.kind).first()
    if row is None or not row.credentials.filter(name="key").exists():
        return {}  # a local model needs none
    key = vault.get(row, "key")
    if config.provider == ANTHROPIC:
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}
    return {"Authorization": f"Bearer {key}"}


def settled(
    call: ModelCall, config: models.ModelConfig, answer: httpx.Response | str, *, is_kept: bool = True
) -> Reply:
    """Keep what came, at its real cost where the provider tells it, else at the booked one."""
    try:
        if isinstance(answer, str):
            raise NoModel(answer)
        if not answer.is_success:
            raise NoModel(f"The model answered {answer.status_code}.")
        body, hidden = covered(_read(answer))
    except NoModel as error:
        _failed(call, config, str(error), answer)
        raise
    call.answer, call.covered = body if is_kept else None, call.covered + hidden
    call.answer_digest, call.state = sha256(body), "ok"
    _price(call, config, body.get("usage"))
    call.save()
    return Reply(body)


def _failed(call: ModelCall, config: models.ModelConfig, why: str, answer: httpx.Response | str) -> None:
    call.state, call.error = "failed", why[:500]
    if not isinstance(answer, str) and answer.status_code >= 300:  # refused before it read: nothing is billed
        call.tokens_in = call.tokens_out = 0
        call.cost = config.cost(0, 0)
    call.save()
    log.warning("%s: %s", config.label, why)


def _read(answer: httpx.Response) -> Json:
    try:
        return read_object(answer.content)
    except CountersignError as error:
        raise NoModel(f"The model's answer cannot be read. {error}") from error


def _price(call: ModelCall, config: models.ModelConfig, usage: Any) -> None:
    """A provider that tells no usage, or nonsense, has the booked cost: never less than it may have been."""
    told = usage if isinstance(usage, dict) else {}
    read, written = told.get("prompt_tokens", told.get("input_tokens")), told.get("completion_tokens")
    if config.kind == models.EMBEDDING:
        written = 0
    counts = [one for one in (read, told.get("output_tokens") if written is None else written) if isinstance(one, int)]
    if len(counts) == 2 and all(0 <= count < 10_000_000 for count in counts):
        call.tokens_in, call.tokens_out = counts
        call.cost = config.cost(*counts)
