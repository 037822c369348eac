"""The stream process: server-sent events from one LISTEN connection, fanned out to every open page.

An event carries no content, only what changed (`incidents`, `incident-1042`, `refetch`); the page fetches it under its
own permissions. A client that does not keep up is dropped and reconnects.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, Collection
from http.cookies import SimpleCookie
from typing import Any

import django
import psycopg
from asgiref.sync import sync_to_async

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "app.settings")
django.setup()

from django.conf import settings  # noqa: E402  settings exist only after setup
from django.db import DatabaseError, close_old_connections, connection  # noqa: E402

from app.core.sessions import living  # noqa: E402

log = logging.getLogger(__name__)

PING_S = 10  # proxies close what is silent
RECHECK_S = 2.0  # between two looks whether the sessions of all open pages still live: they die within five seconds
QUEUE = 200  # events a page may lag behind
RETRY_S = 1.0  # until the database is tried again

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

pages: dict[asyncio.Queue[str | None], str] = {}  # with the key of the session that opened it
tasks: list[asyncio.Task[None]] = []


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["path"] == "/healthz":
        await _answer(send, 200, b"ok\n")
    elif scope["path"] != "/events/" or scope["method"] != "GET":
        await _answer(send, 404, b"not here\n")
    elif (key := _key(scope)) not in await alive([key]):
        await _answer(send, 403, b"sign in first\n")
    else:
        await _stream(key, receive, send)


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
            _end(page)


async def watch() -> None:
    """End the pages of sessions that ended: signed out, disabled, role lost, password or second factor changed."""
    while True:
        await asyncio.sleep(RECHECK_S)
        try:
            still = await alive(set(pages.values()))
        except DatabaseError as error:  # nobody can tell: pages stay, and there is no news for them either
            log.warning("the database is away: %s", error.__class__.__name__)
            continue
        for page, key in list(pages.items()):
            if key not in still:
                _end(page)


@sync_to_async
def alive(keys: Collection[str]) -> set[str]:
    """Those of the session keys whose person may read incidents now; one query for all of them."""
    if not any(keys):
        return set()
    close_old_connections()
    try:
        return living(keys)
    finally:
        close_old_connections()


def _key(scope: Scope) -> str:
    cookies: SimpleCookie = SimpleCookie(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"))
    found = cookies.get(settings.SESSION_COOKIE_NAME)
    return found.value if found else ""


def _end(page: asyncio.Queue[str | None]) -> None:
    """Tell the page's stream to end; what waits for it is dropped where there is no room left."""
    pages.pop(page, None)
    if page.full():
        page.get_nowait()
    page.put_nowait(None)


async def _stream(key: str, receive: Receive, send: Send) -> None:
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
    pages[page] = key
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await _feed(page, gone, send)
    finally:
        gone.cancel()
        pages.pop(page, None)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _feed(page: asyncio.Queue[str | None], gone: asyncio.Future[None], send: Send) -> None:
    await send({"type": "http.response.body", "body": b": hello\n\n", "more_body": True})
    while not gone.done():
        try:
            text = await asyncio.wait_for(page.get(), PING_S)
        except TimeoutError:
            text = ": ping\n\n"
        if text is None:
            return
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            tasks.extend([asyncio.ensure_future(listen()), asyncio.ensure_future(watch())])
            await send({"type": "lifespan.startup.complete"})
        else:
            for task in tasks:
                task.cancel()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _answer(send: Send, status: int, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
