"""The organisation's sign-in, against a provider that speaks it, and against every way in which one may lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from app.core.models import AuditRecord, Identity, User
from tests import factories
from tests.app.accounts.signing_in import enrolled, signed_in
from tests.factories import PASSWORD
from tests.oidc_server import CLIENT, SECRET, Provider, oidc_provider


@pytest.fixture
def there(db: None, settings: Any) -> Iterator[Provider]:
    with oidc_provider() as made:
        settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = made.issuer, CLIENT, SECRET
        settings.OIDC_DOMAINS, settings.OIDC_LABEL = ["Example.com"], "Example Ltd"
        cache.clear()
        yield made


def invited(name: str = "ana", **fields: Any) -> User:
    who = factories.user(name, "approver", invited_at=timezone.now(), **fields)
    who.set_unusable_password()
    who.save()
    return who


def leave(client: Client, start: str = "/sign-in/oidc/", **sent: str) -> str:
    """Where the provider sends the person back to: path and query on our side."""
    page = client.post(start, sent)
    assert page.status_code == 200, page.status_code
    away = httpx.get(page.context["url"], follow_redirects=False).headers["Location"]
    return urlsplit(away)._replace(scheme="", netloc="").geturl()


def is_in(client: Client) -> bool:
    return client.get("/incidents/").status_code == 200


def test_an_invited_person_comes_in_by_a_verified_address_and_from_then_on_by_identity(there: Provider) -> None:
    who, client = invited(), Client()
    answer = client.get(leave(client, next="/approvals/"))
    assert answer.headers["Location"] == "/approvals/"
    assert Identity.objects.get().user == who and Identity.objects.get().subject == "s-1"
    there.person = {"sub": "s-1", "email": "somebody.else@evil.example", "email_verified": False}
    client = Client()
    client.get(leave(client))
    assert int(client.session["_auth_user_id"]) == who.pk
    said = AuditRecord.objects.filter(event="person.signed_in").latest("id")
    assert (said.detail["way"], said.session["mfa"]) == ("oidc", False)
    asked = there.seen[-1]
    assert asked["code_challenge_method"] == "S256" and asked["nonce"] and asked["state"]


def test_the_address_may_come_from_the_user_info(there: Provider) -> None:
    invited()
    there.userinfo, there.lacks = dict(there.person), {"email", "email_verified"}
    client = Client()
    client.get(leave(client))
    assert is_in(client)
    there.userinfo["sub"] = "somebody else"
    Identity.objects.all().delete()
    assert client.get(leave(Client())).status_code == 403


LIES: dict[str, dict[str, Any]] = {
    "another nonce": {"says": {"nonce": "other"}},
    "no nonce": {"lacks": {"nonce"}},
    "another audience": {"says": {"aud": "somebody-else"}},
    "no audience": {"lacks": {"aud"}},
    "among audiences, for another party": {"says": {"aud": [CLIENT, "other"], "azp": "other"}},
    "another issuer": {"says": {"iss": "https://evil.example"}},
    "no issuer": {"lacks": {"iss"}},
    "expired": {"says": {"exp": 1_700_000_000}},
    "without an end": {"lacks": {"exp"}},
    "no subject": {"lacks": {"sub"}},
    "no signature": {"alg": "none"},
    "signed with the public key as a secret": {"alg": "HS256"},
    "signed by another key": {"foreign": True},
    "the description names another issuer": {"described": {"issuer": "https://evil.example"}},
    "an endpoint that is not https": {"described": {"token_endpoint": "http://evil.example/token"}},
    "an address that is not verified": {"says": {"email_verified": False}},
    "an address that is verified in words": {"says": {"email_verified": "true"}},
    "nothing on whether it is verified": {"lacks": {"email_verified"}},
    "an address of another domain": {"says": {"email": "ana@example.com.evil.example"}},
    "an unknown person": {"says": {"email": "nobody@example.com"}},
}


@pytest.mark.parametrize("lie", LIES, ids=list(LIES))
def test_whoever_lies_does_not_come_in(there: Provider, lie: str) -> None:
    invited()
    client = Client()
    back = leave(client)
    for name, value in LIES[lie].items():
        setattr(there, name, value)
    cache.clear()
    assert client.get(back).status_code == 403
    assert not is_in(client)
    assert not Identity.objects.exists()
    refused = AuditRecord.objects.get(event="person.sign_in_failed")
    assert refused.outcome == "denied"
    assert "Protocol" not in refused.reason and "Status" not in refused.reason, "the provider itself broke"


def test_an_answer_counts_once_for_the_session_that_asked_with_its_own_state(there: Provider) -> None:
    invited()
    client = Client()
    back = leave(client)
    assert Client().get(back).status_code == 403  # another browser: a link that was planted
    state = parse_qs(urlsplit(back).query)["state"][0]
    assert client.get(back.replace(state, "guessed")).status_code == 403
    assert client.get(back).status_code == 403  # the wrong try used it up
    back = leave(client)
    assert client.get(back + "&iss=https://evil.example").status_code == 403
    back = leave(client)
    assert client.get(back).status_code == 302
    assert Client().get(back).status_code == 403 and client.get(back).status_code == 403


@pytest.mark.parametrize("change", ["disabled", "has a password", "came in before", "never invited", "two of them"])
def test_an_address_alone_takes_over_nobody(there: Provider, change: str) -> None:
    who = invited()
    if change == "two of them":
        factories.user("ana2", "viewer")
        User.objects.filter(username="ana2").update(email="ANA@example.com")
    if change == "has a password":
        who.set_password(PASSWORD)
        who.save()
    fields = {"disabled": {"is_active": False}, "came in before": {"last_login": timezone.now()}}
    fields["never invited"] = {"invited_at": None}
    User.objects.filter(pk=who.pk).update(**fields.get(change, {}))
    client = Client()
    assert client.get(leave(client)).status_code == 403
    assert not is_in(client)


def test_who_has_a_second_factor_is_asked_for_it_unless_it_was_given_there(there: Provider) -> None:
    who = factories.user("ana", "approver")
    Identity.objects.create(user=who, issuer=there.issuer, subject="s-1")
    phone, _ = enrolled(who)
    client = Client()
    assert client.get(leave(client)).headers["Location"] == "/sign-in/second/"
    assert not is_in(client)
    client.post("/sign-in/second/", {"code": phone.code()})
    assert is_in(client)
    there.says = {"amr": ["pwd", "mfa"]}
    client = Client()
    client.get(leave(client))
    assert is_in(client) and client.session["mfa"] is True


def test_a_step_up_there_is_a_sign_in_of_now_by_the_same_person(there: Provider) -> None:
    who = invited()
    Identity.objects.create(user=who, issuer=there.issuer, subject="s-1")
    client = Client()
    client.force_login(who)
    lies: list[dict[str, Any]] = [{"remembers_s": 3600}, {"lacks": {"auth_time"}}, {"says": {"sub": "s-2"}}]
    for lie in lies:
        for name, value in {"remembers_s": 0, "lacks": set(), "says": {}, **lie}.items():
            setattr(there, name, value)
        assert client.get(leave(client, "/step-up/oidc/")).status_code == 403, lie
        assert "step_up_at" not in client.session
    there.says = {}
    back = leave(client, "/step-up/oidc/", next="/approvals/")
    assert there.seen[-1]["max_age"] == "0" and there.seen[-1]["prompt"] == "login"
    assert client.get(back).headers["Location"] == "/approvals/"
    assert client.session["step_up_at"] and client.session["mfa"] is False


def test_it_is_linked_and_unlinked_on_the_own_page_after_a_step_up(there: Provider, approver: User) -> None:
    client = signed_in(approver)
    assert client.post("/settings/sign-in/link/").headers["Location"].startswith("/step-up/")
    client.post("/step-up/", {"password": PASSWORD})
    assert client.get(leave(client, "/settings/sign-in/link/")).headers["Location"] == "/settings/sign-in/"
    other = Client()
    other.get(leave(other))
    assert int(other.session["_auth_user_id"]) == approver.pk
    client.post("/settings/sign-in/link/", {"act": "unlink"})
    assert not Identity.objects.exists()


def test_one_that_is_away_is_said_and_passwords_still_work(there: Provider, approver: User, settings: Any) -> None:
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    page = Client().post("/sign-in/oidc/")
    assert page.status_code == 403
    assert "cannot be reached" in page.content.decode()
    assert is_in(signed_in(approver))
