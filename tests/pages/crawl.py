"""Press every link, and see whether anything in the database changed."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from django.db import connection
from django.test import Client

LINK = re.compile(r"""(?:href|hx-get|action|src)=["']([^"']+)["']""")
MOST_OF_A_KIND = 12  # addresses that differ in their numbers and their query alone
OWN_NOTES = {"core_session"}  # when a session was last seen


def crawl(client: Client, *starts: str) -> Iterator[tuple[str, Any]]:
    """Each address that can be reached by links, hx-get, or a form's action pressed as a link, with its answer."""
    waiting, seen, kinds = deque(starts), set(starts), dict[str, int]()
    while waiting:
        path = waiting.popleft()
        answer = client.get(path)
        yield path, answer
        if "html" not in answer.headers.get("Content-Type", ""):
            continue
        for found in LINK.findall(answer.content.decode()):
            link = urldefrag(urljoin(path, unescape(found)))[0]
            kind = re.sub(r"\d+", "0", urlsplit(link).path)
            is_ours = link.startswith("/") and not link.startswith(("//", "/static/", "/sign-out"))
            if is_ours and link not in seen and kinds.get(kind, 0) < MOST_OF_A_KIND:
                kinds[kind] = kinds.get(kind, 0) + 1
                seen.add(link)
                waiting.append(link)


def fingerprints() -> dict[str, str]:
    """A digest of every row of every table, by table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        names = [name for (name,) in cursor.fetchall() if name not in OWN_NOTES]
        made = {}
        for name in names:
            cursor.execute(f'SELECT t::text FROM "{name}" t ORDER BY 1')
            made[name] = hashlib.sha256("\n".join(row for (row,) in cursor.fetchall()).encode()).hexdigest()
    return made
