"""The stream process: server-sent events from one LISTEN connection, fanned out to every open page.

An event carries no content, only what changed (`incidents`, `incident-1042`, `refetch`); the page fetches it under its
own permissions. A client that does not keep up is dropped and reconnects.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable
from http.cookies import SimpleCookie
from importlib import import_module
from typing import Any

import django
import psycopg
from asgiref.sync import sync_to_async

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "app.settings")
django.setup()

from django.conf import settings  # noqa: E402  settings exist only after setup
from django.contrib.auth import SESSION_KEY  # noqa: E402
from django.db import close_old_connections, connection  # noqa: E402

from app.core.models import User  # noqa: E402
from app.core.roles import may  # noqa: E402

log = logging.getLogger(__name__)

PING_S = 10  # proxies close what is silent
RECHECK_S = 30  # a disabled person loses the stream
QUEUE = 200  # events a page may lag behind
RETRY_S = 1.0  # until the database is tried again

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

pages: set[asyncio.Queue[str | None]] = set()
listener: asyncio.Task[None] | None = None


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["path"] == "/healthz":
        await _answer(send, 200, b"ok\n")
    elif scope["path"] != "/events/" or scope["method"] != "GET":
        await _answer(send, 404, b"not here\n")
    elif not await allowed(scope):
        await _answer(send, 403, b"sign in first\n")
    else:
        await _stream(scope, receive, send)


async def listen() -> None:
    """Hold the one LISTEN connection; after each reconnect tell pages to fetch again, because news may be lost."""
    while True:
        try:
            dsn = connection.get_connection_params()
            keep = {key: dsn[key] for key in ("host", "port", "user", "password", "dbname") if dsn.get(key)}
            async with await psycopg.AsyncConnection.connect(**keep, autocommit=True) as link:
                await link.execute("LISTEN countersign")
                tell("refetch", "")
                async for note in link.notifies():
                    news = json.loads(note.payload)
                    if number := news["incident"]:
                        tell(f"incident-{number}", news["event"])
                    tell("incidents", news["event"])
        except psycopg.OperationalError as error:
            log.warning("the database is away: %s", error.__class__.__name__)
        await asyncio.sleep(RETRY_S)


def tell(event: str, data: str) -> None:
    text = f"event: {event}\ndata: {data}\n\n"
    for page in list(pages):
        try:
            page.put_nowait(text)
        except asyncio.QueueFull:
            pages.discard(page)
            page.get_nowait()
            page.put_nowait(None)


@sync_to_async
def allowed(scope: Scope) -> bool:
    """Whether the session cookie belongs to a person who may read incidents now."""
    cookies: SimpleCookie = SimpleCookie(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"))
    if settings.SESSION_COOKIE_NAME not in cookies:
        return False
    close_old_connections()
    store = import_module(settings.SESSION_ENGINE).SessionStore(cookies[settings.SESSION_COOKIE_NAME].value)
    person = User.objects.filter(pk=store.get(SESSION_KEY)).first()
    hash_fits = person is not None and store.get("_auth_user_hash") == person.get_session_auth_hash()
    close_old_connections()
    return hash_fits and person is not None and may(person, "incident.read")


async def _stream(scope: Scope, receive: Receive, send: Send) -> None:
    headers = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-cache"),
        (b"x-accel-buffering", b"no"),
        (b"access-control-allow-origin", settings.URL.encode()),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"origin"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    page: asyncio.Queue[str | None] = asyncio.Queue(QUEUE)
    pages.add(page)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await _feed(page, gone, scope, send)
    finally:
        gone.cancel()
        pages.discard(page)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _feed(page: asyncio.Queue[str | None], gone: asyncio.Future[None], scope: Scope, send: Send) -> None:
    await send({"type": "http.response.body", "body": b": hello\n\n", "more_body": True})
    silent_s = 0
    while not gone.done():
        try:
            text = await asyncio.wait_for(page.get(), PING_S)
        except TimeoutError:
            text, silent_s = ": ping\n\n", silent_s + PING_S
        if text is None or (silent_s >= RECHECK_S and not await allowed(scope)):
            return
        silent_s = silent_s % RECHECK_S
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _lifespan(receive: Receive, send: Send) -> None:
    global listener
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            listener = asyncio.ensure_future(listen())
            await send({"type": "lifespan.startup.complete"})
        else:
            if listener:
                listener.cancel()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _answer(send: Send, status: int, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
