"""Tools and the model, under a grant. Everything that is not named by the grant is refused."""

from __future__ import annotations

import json
import threading
from collections import Counter

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from app.core.errors import CountersignError
from app.gateway import model_proxy, vector_proxy
from app.gateway.record import Answer, recorded
from app.gateway.tools import run
from integrations import errors, gateway_client, grants
from integrations.values import Json

QUOTA = 500  # readings under one grant; a diagnosis needs some 30, the first look at a lake a few hundred
MAX_REQUEST = 64_000  # bytes of arguments

_used: Counter[str] = Counter()  # in memory, because the gateway is one process and a grant lives ten minutes
_lock = threading.Lock()


def healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"ok": True})


def nothing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """In place of the console's pages, which this process does not have."""
    return JsonResponse({"error": "not_found", "message": "There is nothing here."}, status=404)


def failed(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"error": "failed", "message": "The gateway failed; its log says why."}, status=500)


@csrf_exempt
@require_POST
def tool(request: HttpRequest, tool: str) -> HttpResponse:
    """`{"result", "call"}`, or `{"error", "message"}` with a status that fits."""
    try:
        grant = grants.opened(request.headers.get("Authorization", "").removeprefix("Bearer "))
    except errors.Refused as error:
        return JsonResponse({"error": "denied", "message": str(error)}, status=401)
    if grant.agent:  # this door knows neither its argument rules nor its cover
        return JsonResponse({"error": "denied", "message": "An agent reads over MCP."}, status=401)
    arguments = _arguments(request)
    if arguments is None:
        return JsonResponse({"error": "invalid", "message": "Arguments must be a small JSON object."}, status=422)
    answer = recorded(grant.incident, tool, arguments, lambda: _answer(grant, tool, arguments))
    return HttpResponse(answer.body, content_type="application/json", status=answer.status)


@csrf_exempt
@require_POST
def model(request: HttpRequest, path: str) -> HttpResponse:
    """The model's own answer, or an error in the shape that clients of models read."""
    key = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.headers.get("X-Api-Key", "")
    try:
        grant = grants.opened(key)
        if path == vector_proxy.PATH:
            reply = vector_proxy.forward(grant, request.body)
        else:
            reply = model_proxy.forward(grant, path, request.body)
    except errors.Refused as error:
        return _no_model("denied", str(error), 401)
    except CountersignError as error:
        return _no_model(error.code, str(error), error.status)
    return JsonResponse(reply.body, status=reply.status)


def _no_model(code: str, message: str, status: int) -> HttpResponse:
    return JsonResponse({"error": {"type": code, "message": message}}, status=status)


def _answer(grant: grants.Grant, tool: str, arguments: Json) -> Answer:
    if tool not in grant.tools:
        return Answer.refused("denied", "The grant does not name this tool.", 403)
    connection = gateway_client.named(tool, arguments)
    if connection is None or connection.name not in grant.connections:
        return Answer.refused("denied", "The grant does not name this connection, or it has no such tool.", 403)
    if not _counted(grant):
        return Answer.refused("denied", "The grant is used up.", 403)
    return run(tool, connection, arguments)


def _counted(grant: grants.Grant) -> bool:
    with _lock:
        _used[grant.nonce] += 1
        used = _used[grant.nonce]
        if len(_used) > 10_000:
            _used.clear()  # because nonces of grants that ended are of no use to anybody
    return used <= QUOTA


def _arguments(request: HttpRequest) -> Json | None:
    if int(request.headers.get("Content-Length") or 0) > MAX_REQUEST:
        return None
    try:
        value = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
