"""Where Slack comes in: prove it over the raw bytes, keep the act, say so. Nothing else happens in a door.

Slack waits three seconds, so neither the database nor the broker stands between it and its answer.
"""

from __future__ import annotations

import json
import time
from urllib.parse import parse_qs

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from app.core import audit
from app.core.audit import Source
from app.core.door import NOBODY
from app.core.errors import CountersignError
from integrations import postbox
from integrations.postbox import Arrival
from integrations.slack import parse
from integrations.slack.answer import answer
from integrations.slack.keys import KEYS, Key
from integrations.slack.proof import proven
from integrations.untrusted import mapping, text
from integrations.values import Json

LIMIT = 1_000_000  # bytes; a press carries the whole message back
DENIED_EVERY_S = 60  # seconds between two audit records of forgeries from one address
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class Forged(CountersignError):
    """The signature is missing, wrong or too old. Nothing was kept."""

    status, code = 401, "forged"


class Unreadable(CountersignError):
    """This is not what Slack sends."""

    status, code = 400, "unreadable"


class NoRoom(CountersignError):
    """It cannot be kept now. Try again."""

    status, code = 503, "no_room"


@csrf_exempt
@require_POST
def interactions(request: HttpRequest) -> HttpResponse:
    """`POST /slack/interactions`: pressed buttons and sent forms."""
    body, key = _proven(request, FORM)
    payload = _object(_form(body).get("payload", ""))
    _keep(parse.interaction(payload), key)
    said = answer(payload)
    return JsonResponse(said) if said else HttpResponse()


@csrf_exempt
@require_POST
def commands(request: HttpRequest) -> HttpResponse:
    """`POST /slack/commands`: `/countersign`; what it answers is whispered later."""
    body, key = _proven(request, FORM)
    _keep(parse.command(dict(_form(body))), key)
    return HttpResponse()


@csrf_exempt
@require_POST
def events(request: HttpRequest) -> HttpResponse:
    """`POST /slack/events`: replies in threads of ours, what became of the app, and Slack's question whether we are."""
    body, key = _proven(request, JSON)
    payload = _object(body.decode("utf-8", "replace"))
    if payload.get("type") == "url_verification":
        return JsonResponse({"challenge": text(payload.get("challenge"), 1000)})
    _keep(parse.event(payload, key.us), key)
    return HttpResponse()


def _keep(arrival: Arrival | None, key: Key) -> None:
    if arrival is None:
        return
    try:
        postbox.drop(arrival, name=key.connection)
    except OSError as error:
        raise NoRoom() from error


def _proven(request: HttpRequest, kind: str) -> tuple[bytes, Key]:
    """The raw body and whose secret signed it. Raises Forged."""
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if not length.isdigit() or int(length) > LIMIT:
        raise _forged(request, f"More than {LIMIT:,} bytes.")
    body = request.body
    stamp, signed = (request.headers.get(f"X-Slack-{name}", "") for name in ("Request-Timestamp", "Signature"))
    for keys in (KEYS.known, KEYS.fresher):
        for key in keys():
            if proven(key.secrets, stamp=stamp, signature=signed, body=body, now=time.time()):
                if request.content_type != kind:
                    raise Unreadable()
                return body, key
    if KEYS.never:
        raise NoRoom()
    raise _forged(request, "The signature is missing, wrong or too old.")


def _forged(request: HttpRequest, why: str) -> Forged:
    """In the trail once a minute per address: a flood must not fill it."""
    ip = str(request.META.get("REMOTE_ADDR", ""))
    if cache.add(f"slack-denied:{ip}", 1, DENIED_EVERY_S):
        source = Source("slack", ip, request.headers.get("User-Agent", ""))
        audit.record(
            "door.denied", request.path, actor=NOBODY, source=source, reason=why, outcome="denied", error_code="401"
        )
    return Forged()


def _form(body: bytes) -> dict[str, str]:
    try:
        return {name: values[0] for name, values in parse_qs(body.decode(), max_num_fields=50).items()}
    except ValueError as error:
        raise Unreadable() from error


def _object(said: str) -> Json:
    try:
        return mapping(json.loads(said))
    except (ValueError, RecursionError) as error:
        raise Unreadable() from error
