"""The inbound doors: check the key, read the body, keep the event, and only then answer 2xx (formats.md section 1)."""

from __future__ import annotations

import hmac
import time
from typing import Any

from django.core.cache import cache
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from app.core import audit
from app.core.audit import Actor, Source
from app.core.errors import CountersignError, TooMany
from incidents.bodies import Unreadable, clean_text, read_object, too_large, unpack
from incidents.collect import receive
from integrations import connections
from integrations.models import Connection
from integrations.values import LOG_LIMIT, Json

EVENT_LIMIT = 1_000_000  # bytes of one event, packed or not
ARTIFACTS_LIMIT = 64_000_000  # bytes of all artifacts of a run; a manifest of 5,000 models is about 30 MB
A_MINUTE = 3000  # events of one connection at one web process: a sender in a loop must not fill the database
DENIED_EVERY_S = 60  # seconds between two audit records of refusals from one address: a flood must not fill the trail
ARTIFACTS = ("run_results", "manifest", "sources")
FIELDS = ("environment", "commit", "run_id", "started_at", "finished_at", "return_code")
NOBODY = Actor("nobody", "Nobody known", "service")
EVENT_KINDS = {"openlineage": "openlineage", "webhook": "generic", "dbt": "dbt"}  # connection kind -> event kind


class KeyRefused(CountersignError):
    """The key opens no connection."""

    status, code = 401, "key_refused"


@csrf_exempt
@require_POST
def lineage(request: HttpRequest) -> JsonResponse:
    """`POST /api/v1/lineage`: one OpenLineage event; the bearer key chooses the connection."""
    return _keep_object(request, _by_header(request, "openlineage"))


@csrf_exempt
@require_POST
def events(request: HttpRequest) -> JsonResponse:
    """`POST /api/v1/events`: our plain shape, or an alert of Keep, Alertmanager or PagerDuty."""
    return _keep_object(request, _by_header(request, "webhook"))


@csrf_exempt
@require_POST
def artifacts(request: HttpRequest) -> JsonResponse:
    """`POST /api/v1/dbt/artifacts`: what a dbt run left behind, as a form with files."""
    return _keep_artifacts(request, _by_header(request, "dbt"))


@csrf_exempt
@require_POST
def hook(request: HttpRequest, name: str, key: str = "") -> JsonResponse:
    """`POST /hooks/<connection>`: the key in a header, or at the end of the path for senders that cannot set one."""
    source = _with_key(request, key or _key(request), *EVENT_KINDS)
    if source.name != name:
        raise _refused(request, f"This key does not open the connection {name!r}.")
    return _keep_artifacts(request, source) if source.kind == "dbt" else _keep_object(request, source)


def _keep_object(request: HttpRequest, source: Connection) -> JsonResponse:
    payload = read_object(unpack(_body(request, EVENT_LIMIT), EVENT_LIMIT))
    return _keep(source, payload)


def _keep_artifacts(request: HttpRequest, source: Connection) -> JsonResponse:
    _check_length(request, ARTIFACTS_LIMIT)
    payload: Json = {name: read_object(body) for name in ARTIFACTS if (body := _part(request, name))}
    payload |= {name: clean_text(value)[:300] for name in FIELDS if (value := request.POST.get(name))}
    if log := _part(request, "log"):
        payload["log"] = clean_text(log.decode(errors="replace"))[-LOG_LIMIT:]
    if not payload.keys() & {*ARTIFACTS, "log"}:
        raise Unreadable("Nothing of dbt is in the form. Send run_results, manifest, sources or log as files.")
    if "return_code" in payload:
        payload["return_code"] = _whole(payload["return_code"])
    return _keep(source, payload)


def _keep(source: Connection, payload: Json) -> JsonResponse:
    minute = f"door-events:{source.pk}:{int(time.time()) // 60}"
    cache.add(minute, 0, 2 * TooMany.retry_after_s)
    if cache.incr(minute) > A_MINUTE:
        raise TooMany(f"More than {A_MINUTE:,} events in a minute from {source.name}. Nothing of this one was kept.")
    event, created = receive(source, EVENT_KINDS[source.kind], payload)
    answer = {"status": "success", "id": event.pk, "duplicate": not created}
    if isinstance(payload.get("dedup_key"), str):
        return JsonResponse(answer | {"dedup_key": payload["dedup_key"]}, status=202)
    return JsonResponse(answer, status=201 if created else 200)


def _by_header(request: HttpRequest, *kinds: str) -> Connection:
    return _with_key(request, _key(request), *kinds)


def _with_key(request: HttpRequest, key: str, *kinds: str) -> Connection:
    source = connections.by_key(key)
    if source is None or not hmac.compare_digest(source.key_digest, connections.digest(key)):
        raise _refused(request, "The key is missing or wrong. Send Authorization: Bearer <key of the connection>.")
    if source.kind not in kinds:
        raise _refused(request, f"This key is of a {source.kind} connection; this door takes {' or '.join(kinds)}.")
    return source


def _key(request: HttpRequest) -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-KEY", "").strip()


def _refused(request: HttpRequest, message: str) -> KeyRefused:
    """Records the refusal, at most once a minute per address and door."""
    ip, door = request.META.get("REMOTE_ADDR", ""), request.path.split("/")[1:4]
    shown = "/".join(door if door[0] == "api" else door[:2])  # a key in the path is never recorded
    if cache.add(f"door-denied:{ip}:{shown}", 1, DENIED_EVERY_S):
        source = Source("api", ip, request.headers.get("User-Agent", ""))
        audit.record(
            "door.denied", f"/{shown}", actor=NOBODY, source=source, reason=message, outcome="denied", error_code="401"
        )
    return KeyRefused(message)


def _check_length(request: HttpRequest, limit: int) -> None:
    length: Any = request.META.get("CONTENT_LENGTH") or "0"
    if not str(length).isdigit() or int(length) > limit:
        raise too_large(limit)


def _body(request: HttpRequest, limit: int) -> bytes:
    _check_length(request, limit)
    return request.body


def _part(request: HttpRequest, name: str) -> bytes:
    """A file of the form, or a field of the same name; unpacked when it is gzip."""
    sent = request.FILES.get(name)
    raw = sent.read() if isinstance(sent, UploadedFile) else str(request.POST.get(name, "")).encode()
    return unpack(raw, ARTIFACTS_LIMIT)


def _whole(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise Unreadable(f"return_code is {value[:20]!r}; send dbt's exit status, a whole number.") from None
