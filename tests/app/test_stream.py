from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from django.test import Client

from app.accounts import people
from app.core import audit
from app.core.models import User
from tests import factories
from tests.processes import granian

TIMEOUT = httpx.Timeout(5.0)


@pytest.fixture
def stream(transactional_db: None) -> Iterator[str]:
    with granian("app.stream:application", "asgi") as port:
        yield f"http://127.0.0.1:{port}/events/"


def cookies(person: User) -> dict[str, str]:
    client = Client()
    client.force_login(person)
    return {"sessionid": client.cookies["sessionid"].value}


def test_a_record_reaches_every_open_page_as_news_without_content(stream: str) -> None:
    person = factories.user("watcher", "viewer")
    with httpx.stream("GET", stream, cookies=cookies(person), timeout=TIMEOUT) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        lines = answer.iter_lines()
        while next(lines) != ": hello":
            pass
        audit.record("incident.commented", "x", actor=audit.SYSTEM, source="web", correlation=1042)
        seen = []
        while "event: incident-1042" not in seen:
            seen.append(next(lines))
        assert next(lines) == "data: incident.commented"


def test_the_stream_is_for_people_who_may_read_incidents(stream: str) -> None:
    assert httpx.get(stream, timeout=TIMEOUT).status_code == 403
    outsider = factories.user("outsider")
    assert httpx.get(stream, cookies=cookies(outsider), timeout=TIMEOUT).status_code == 403
    assert httpx.get(stream, cookies={"sessionid": "guessed"}, timeout=TIMEOUT).status_code == 403


def test_the_stream_of_an_ended_session_ends_although_news_keep_coming(stream: str, administrator: User) -> None:
    person = factories.user("watcher", "viewer")
    with httpx.stream("GET", stream, cookies=cookies(person), timeout=TIMEOUT) as answer:
        lines = answer.iter_lines()
        while next(lines) != ": hello":
            pass
        people.disable(person, by=administrator, actor=audit.SYSTEM, source=audit.Source("web"))
        began, ended = time.monotonic(), False
        while not ended and time.monotonic() - began < 30:  # seconds; then it never ends
            audit.record("incident.commented", "x", actor=audit.SYSTEM, source="web", correlation=1042)
            ended = next(lines, None) is None
    assert ended
