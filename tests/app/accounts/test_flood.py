"""Guesses that come all at once: no more of them are looked at than one after the other."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from django.db import connection
from django.test import Client

from app.accounts.sign_in import CODES, TRIES
from app.core.limits import caller
from app.core.models import Attempt, AuditRecord, User
from tests.app.accounts.signing_in import enrolled, password, signed_in

AT_ONCE = 8


def guess(client: Client, path: str, sent: dict[str, str]) -> int:
    try:
        return client.post(path, sent).status_code
    finally:
        connection.close()


def flood(path: str, sent: dict[str, str], clients: list[Client]) -> Counter[int]:
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        return Counter(crowd.map(lambda client: guess(client, path, sent), clients))


def test_passwords_that_are_guessed_at_once_are_looked_at_ten_times(transactional_db: None, approver: User) -> None:
    wrong = {"username": "approver", "password": "guess"}
    answers = flood("/sign-in/", wrong, [Client() for _ in range(40)])
    assert set(answers) == {200, 429} and answers[200] <= TRIES
    assert AuditRecord.objects.filter(event="person.sign_in_failed").count() == answers[200]
    assert password(Client(), approver).status_code == 429


def test_codes_that_are_guessed_at_once_are_looked_at_five_times(transactional_db: None, approver: User) -> None:
    phone, _ = enrolled(approver)
    clients = [Client() for _ in range(24)]
    for client in clients:
        assert password(client, approver).status_code == 302
    answers = flood("/sign-in/second/", {"code": "000000"}, clients)
    assert set(answers) == {200, 429} and answers[200] <= CODES
    assert clients[0].post("/sign-in/second/", {"code": phone.code()}).status_code == 429


def test_what_succeeds_does_not_count(approver: User) -> None:
    for _ in range(TRIES + 2):
        signed_in(approver)
    assert Attempt.objects.count() == 0


def test_a_network_of_addresses_is_one_caller(db: None) -> None:
    assert caller("2001:db8::1") == caller("2001:db8::ffff:2") != caller("2001:db8:0:1::1")
    assert caller("::ffff:192.0.2.1") == caller("192.0.2.1") != caller("192.0.2.2")
    assert caller("not an address") != caller("")
