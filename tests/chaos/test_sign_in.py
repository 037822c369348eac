"""Bars 34, 35 and 40, sign-in's shares: the clock of a step-up, sessions that die in time, guesses and crawlers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from django.test import Client

from app.accounts import people, second_factor
from app.accounts.sign_in import FROM_ONE, TRIES
from app.core import clock, stepup
from app.core.audit import SYSTEM, Actor, Source
from app.core.models import AuditRecord, User
from tests import factories
from tests.app.accounts.signing_in import signed_in
from tests.chromium import Desk
from tests.pages import seed
from tests.pages.crawl import crawl, fingerprints
from tests.processes import granian

HOST, DEAD_S = Source("web"), 5.0  # seconds
PATIENCE_S = 120.0  # with one answer, because the machine may be busy
pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("skew_min", [-10, 0, 10])
@pytest.mark.parametrize("edge", [("0", 1), ("10 minutes", -1)])
def test_a_step_up_ends_on_the_databases_clock_whatever_the_hosts_is(
    approver: User, monkeypatch: pytest.MonkeyPatch, skew_min: int, edge: tuple[str, int]
) -> None:
    """A second inside, and a second outside, of both ends; 50 times each."""

    class Skewed(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(minutes=skew_min)

    monkeypatch.setattr(stepup, "datetime", Skewed)
    monkeypatch.setattr(time, "time", lambda real=time.time: real() + 60 * skew_min)
    end = timedelta(minutes=10) if edge[0] != "0" else timedelta(0)
    inside, outside = end + timedelta(seconds=edge[1]), end - timedelta(seconds=edge[1])
    for _ in range(50):
        for age, counts in ((inside, True), (outside, False)):
            actor = Actor.of(approver, {"step_up_at": (clock.now() - age).isoformat()})
            assert stepup.fresh(actor) is counts


def disabled(who: User, by: User) -> None:
    people.disable(who, by=by, actor=SYSTEM, source=HOST)


def role_lost(who: User, by: User) -> None:
    people.change(who, roles=["viewer"], groups=[], on_call=False, by=by, actor=SYSTEM, source=HOST)


def password_changed(who: User, by: User) -> None:
    who.set_password("staple battery horse")
    who.save()


def factor_reset(who: User, by: User) -> None:
    second_factor.reset(who, by=by, actor=SYSTEM, source=HOST)


@pytest.fixture
def site(transactional_db: None) -> Iterator[tuple[str, str]]:
    """Two web processes and the event stream, as they are in production."""
    with ExitStack() as stack:
        plain = {"COUNTERSIGN_DEBUG": "1"}  # for static files without a manifest
        ports = [stack.enter_context(granian("app.wsgi:application", "wsgi", **plain)) for _ in range(2)]
        stream = stack.enter_context(granian("app.stream:application", "asgi"))
        yield ",".join(f"http://127.0.0.1:{port}" for port in ports), f"http://127.0.0.1:{stream}/events/"


def test_sessions_and_streams_die_within_five_seconds(site: tuple[str, str], administrator: User) -> None:
    """20 trials: five of each way in which a person's right ends."""
    webs, stream = site[0].split(","), site[1]
    slowest, events = 0.0, [disabled, role_lost, password_changed, factor_reset]
    for trial in range(20):
        who = factories.user(f"person{trial}", "approver")
        sessions = [str(signed_in(who).session.session_key) for _ in range(2)]
        slowest = max(slowest, _dies(webs, stream, sessions, who, administrator, events[trial % 4]))
    assert slowest <= DEAD_S
    print(f"20 of 20 dead, slowest {slowest:.1f} s")  # noqa: T201


def _dies(
    webs: list[str], stream: str, keys: list[str], who: User, by: User, event: Callable[[User, User], None]
) -> float:
    def answers() -> list[int]:
        jars = [(web, {"sessionid": key}) for web in webs for key in keys]
        return [httpx.get(f"{web}/incidents/", cookies=jar, timeout=PATIENCE_S).status_code for web, jar in jars]

    assert answers() == [200] * 4
    with httpx.stream("GET", stream, cookies={"sessionid": keys[0]}, timeout=PATIENCE_S) as news:
        lines = news.iter_lines()
        while next(lines) != ": hello":
            pass
        event(who, by)
        began = time.monotonic()
        assert answers() == [302] * 4  # at the next request
        for _ in lines:
            pass
        return time.monotonic() - began


def test_a_thousand_guesses_over_two_processes_are_ten_for_a_name_and_fifty_from_an_address(
    site: tuple[str, str], approver: User
) -> None:
    webs = site[0].split(",")

    def guess(one: int) -> list[int]:
        """Fifty of them, every other one for the same name, by one of two doors."""
        statuses = []
        with httpx.Client(base_url=webs[one % 2], timeout=PATIENCE_S) as client:
            client.get("/sign-in/")
            for number in range(50):
                name = "approver" if number % 2 else f"somebody{one}-{number}"
                sent = {"username": name, "password": "guess", "csrfmiddlewaretoken": client.cookies["csrftoken"]}
                answer = client.post("/sign-in/", data=sent, headers={"Origin": webs[one % 2]})
                assert answer.status_code == 200 or answer.headers["Retry-After"]
                statuses.append(answer.status_code)
        return statuses

    with ThreadPoolExecutor(20) as crowd:
        answers = Counter(status for statuses in crowd.map(guess, range(20)) for status in statuses)
    failed = AuditRecord.objects.filter(event="person.sign_in_failed")
    assert set(answers) == {200, 429} and answers[200] == failed.count() <= FROM_ONE
    assert failed.filter(subject__name="approver").count() <= TRIES
    print(f"1,000 guesses: {dict(answers)}")  # noqa: T201


def test_an_approvers_crawler_gets_a_thousand_answers_and_changes_nothing(client: Client, db: None) -> None:
    cast = seed.people()
    seed.inbox(cast)
    User.objects.filter(pk=cast["on_call"].pk).update(roles=["approver", "administrator", "operator", "auditor"])
    client.force_login(cast["on_call"])
    client.get("/settings/models/")  # the first look pins the tools that are installed
    before, count = fingerprints(), 0
    while count < 1000:
        for path, answer in crawl(client, "/incidents/"):
            policy = answer.headers["Content-Security-Policy"]
            assert "unsafe" not in policy and "nonce" not in policy, path
            assert answer.status_code < 500, path
            count += 1
    assert fingerprints() == before
    print(f"{count} answers, nothing changed")  # noqa: T201


def test_no_page_breaks_the_content_policy(browser: Any, live_server: Any, client: Client) -> None:
    cast = seed.people()
    seed.inbox(cast)
    User.objects.filter(pk=cast["on_call"].pk).update(roles=["approver", "administrator", "operator", "auditor"])
    client.force_login(cast["on_call"])
    found = [(path, answer) for path, answer in crawl(client, "/incidents/") if answer.status_code == 200]
    pages = [path for path, answer in found if not answer.streaming and b"<html" in answer.content]
    context = browser.new_context()
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    desk = Desk(context, live_server.url)
    for path in pages:
        desk.open(path)
    context.close()
    assert [said for said in desk.complaints if "Content Security Policy" in said or "Content-Security" in said] == []
    print(f"{len(pages)} pages, 0 violations")  # noqa: T201
