"""Settings › Notifications: Slack is installed, tried and healed there; an account is linked by its person alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from app.core import stepup
from app.core.models import AuditRecord, User
from integrations import linking, set_up
from integrations.cards import Member
from integrations.errors import Gone
from integrations.models import Connection, InboundSecret, LinkedAccount, LinkOffer
from integrations.trouble import hindered
from tests.slack_server import Slack, slack_server

PAGE = "/settings/notifications/"
MEMBER = Member("T0001", "U1", "Ada", "approver@example.com")


@pytest.fixture
def slack(db: None) -> Iterator[Slack]:
    with slack_server() as made:
        yield made


@pytest.fixture
def team(slack: Slack) -> Connection:
    return slack.connect()


def at(person: User, *, stepped_up: bool = True) -> Client:
    client = Client()
    client.force_login(person)
    if stepped_up:
        session = client.session
        session[stepup.AT] = timezone.now().isoformat()
        session.save()
    return client


def link(team: Connection, member: Member = MEMBER) -> str:
    return linking.offer(team, member).removeprefix("http://127.0.0.1:8000")


def test_a_get_asks_and_a_post_links_once(team: Connection, approver: User) -> None:
    where, client = link(team), at(approver)
    for _ in range(3):
        page = client.get(where)
        assert "Is this you in Slack?" in page.content.decode() and "U1" in page.content.decode()
        assert page.headers["Cache-Control"].count("no-store") == 1
    assert not LinkedAccount.objects.exists()
    assert client.post(where).status_code == 302
    made = LinkedAccount.objects.get()
    assert (made.user, made.connection, made.team, made.person) == (approver, team, "T0001", "U1")
    assert client.post(where).status_code == 410 and client.get(where).status_code == 410
    record = AuditRecord.objects.get(event="account.linked")
    assert (record.actor["name"], record.detail["account"], record.source["door"]) == ("approver", "U1", "web")


def test_nobody_links_without_signing_in_and_stepping_up(team: Connection, approver: User) -> None:
    where = link(team)
    assert Client().post(where).headers["Location"].startswith("/sign-in/")
    assert at(approver, stepped_up=False).post(where).headers["Location"].startswith("/step-up/")
    assert not LinkedAccount.objects.exists() and LinkOffer.objects.filter(used_at=None).exists()


def test_somebody_elses_account_is_said_and_not_linked_by_one_press(team: Connection, approver: User) -> None:
    where, client = link(team, Member("T0001", "U9", "Mallory", "mallory@example.com")), at(approver)
    assert "If somebody sent you this link" in client.get(where).content.decode()
    assert client.post(where).status_code == 422 and not LinkedAccount.objects.exists()
    assert client.post(where, {"sure": "on"}).status_code == 302


def test_an_account_is_one_persons_and_a_link_is_over_in_time(
    team: Connection, approver: User, second_approver: User
) -> None:
    at(approver).post(link(team))
    assert at(second_approver).post(link(team), {"sure": "on"}).status_code == 422
    first, second = link(team), link(team)
    assert at(approver).get(first).status_code == 410, "a new link ends the one before"
    LinkOffer.objects.update(expires_at=timezone.now())
    assert at(approver).get(second).status_code == 410
    where = link(team)
    Connection.objects.update(enabled=False)
    assert at(approver).get(where).status_code == 410
    assert LinkedAccount.objects.get().user == approver


def test_its_person_and_an_administrator_unlink_and_nobody_else(
    team: Connection, approver: User, second_approver: User, administrator: User
) -> None:
    def linked() -> str:
        at(approver).post(link(team))
        return f"{PAGE}accounts/{LinkedAccount.objects.get().pk}/unlink/"

    where = linked()
    assert at(second_approver).post(where).status_code == 404
    assert "Ada" in at(approver).get(PAGE).content.decode()
    assert [at(approver).post(where).status_code for _ in range(2)] == [302, 404]
    where = linked()
    assert "Ada" in at(administrator).get("/settings/people/").content.decode()
    assert at(administrator).post(where).headers["Location"] == "/settings/people/"
    assert not LinkedAccount.objects.exists()
    assert AuditRecord.objects.filter(event="account.unlinked").count() == 2


def test_slack_is_added_tested_and_greeted(slack: Slack, administrator: User) -> None:
    client = at(administrator)
    given = {"name": "acme", "channel": "C0001", "mode": "http", "token": slack.token, "signing_secret": "s" * 32}
    answer = client.post("/settings/connections/add/slack/", {**given, "api_url": slack.url})
    assert answer.headers["Location"] == PAGE
    made = Connection.objects.get()
    assert "s" * 32 not in InboundSecret.objects.get().sealed and "token" not in made.config
    assert "Not tested yet" in client.get(PAGE).content.decode()
    assert client.post(f"{PAGE}slack/acme/", {"act": "test"}).status_code == 302
    assert "Testing" in client.get(f"{PAGE}slack/acme/card/").content.decode()
    assert set_up.test(made).ok
    assert set_up.greet(made).ok
    assert "Countersign is connected." in slack.main()[0].words
    page = client.get(PAGE).content.decode()
    assert "Acme" in page and "Healthy" in page and "xoxb-test" not in page


@pytest.mark.parametrize(("what", "words"), [("grant", "Access revoked"), ("channel", "Channel gone")])
def test_what_stands_in_the_way_is_said_with_what_to_do(
    team: Connection, slack: Slack, administrator: User, what: str, words: str
) -> None:
    hindered(team, Gone("Slack says so.", what=what), 60)
    page = at(administrator).get(PAGE).content.decode()
    assert words in page and "Nothing is lost meanwhile" in page and "Slack says so." in page
    assert set_up.test(team).ok
    assert words not in at(administrator).get(PAGE).content.decode()


def test_secrets_are_replaced_and_the_one_before_is_retired(team: Connection, administrator: User) -> None:
    client = at(administrator)
    change = {"act": "change", "channel": "C0002", "mode": "http", "signing_secret": "fresh", "token": "xoxb-2"}
    client.post(f"{PAGE}slack/slack/", change)
    team.refresh_from_db()
    assert (team.config["channel"], team.tested_at) == ("C0002", None)
    assert "Retire it now" in client.get(PAGE).content.decode()
    client.post(f"{PAGE}slack/slack/", {"act": "retire"})
    assert InboundSecret.objects.get().before == ""
    assert client.post(f"{PAGE}slack/slack/", {**change, "channel": "<b>"}).status_code == 422
    assert AuditRecord.objects.filter(event="connection.changed").count() == 2
    assert "fresh" not in json.dumps(list(AuditRecord.objects.values_list("detail", flat=True)))


@pytest.mark.parametrize(("url", "opened"), [("https://cs.example", "http"), ("http://127.0.0.1:8000", "socket")])
def test_the_manifest_to_paste_is_made_from_our_address(administrator: User, url: str, opened: str) -> None:
    with override_settings(URL=url, HTTPS=url.startswith("https")):
        page: Any = at(administrator).get(PAGE)
    texts = {name: json.loads(text) for name, _, text in page.context["manifests"]}
    assert texts["http"]["settings"]["interactivity"]["request_url"] == f"{url}/slack/interactions"
    assert texts["socket"]["settings"]["socket_mode_enabled"] is True and url not in json.dumps(texts["socket"])
    assert page.content.decode().count("<details open>") == 1
    assert f'for="manifest-{opened}"' in page.content.decode().split("<details open>")[1].split("</details>")[0]


def test_who_may_not_read_connections_sees_their_own_accounts_alone(team: Connection, viewer: User) -> None:
    page = at(viewer).get(PAGE).content.decode()
    assert "Your accounts in Slack" in page and "Test connection" not in page and "xapp" not in page
