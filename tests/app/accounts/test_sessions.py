from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client

from app.accounts import people, second_factor
from app.core.audit import SYSTEM, Source
from app.core.models import AuditRecord, Session, User
from app.core.sessions import living
from tests.app.accounts.signing_in import enrolled, signed_in
from tests.factories import PASSWORD

HOST = Source("web")


def is_in(client: Client) -> bool:
    return client.get("/incidents/").status_code == 200


def disabled(who: User, by: User) -> None:
    people.disable(who, by=by, actor=SYSTEM, source=HOST)


def role_lost(who: User, by: User) -> None:
    people.change(who, roles=["viewer"], groups=[], on_call=False, by=by, actor=SYSTEM, source=HOST)


def password_chosen(who: User, by: User) -> None:
    uid, token = people.welcome_parts(User.objects.get(pk=who.pk))
    form = Client().get(f"/welcome/{uid}/{token}/", follow=True)
    new = {"new_password1": "staple battery horse", "new_password2": "staple battery horse"}
    guest = Client()
    guest.get(f"/welcome/{uid}/{token}/")
    assert form.status_code == 200
    assert guest.post(f"/welcome/{uid}/set-password/", new).status_code == 302


def factor_reset(who: User, by: User) -> None:
    second_factor.reset(who, by=by, actor=SYSTEM, source=HOST)


@pytest.mark.parametrize("event", [disabled, role_lost, password_chosen, factor_reset])
def test_every_session_ends_at_once_with_what_it_stood_for(
    approver: User, administrator: User, event: Callable[[User, User], None]
) -> None:
    clients = [signed_in(approver) for _ in range(3)]
    keys = [client.session.session_key or "" for client in clients]
    others = signed_in(administrator)
    assert living(keys) == set(keys)
    event(approver, administrator)
    assert living(keys) == set()
    assert [is_in(client) for client in clients] == [False] * 3
    assert is_in(others)


def test_a_role_that_is_added_ends_no_session(approver: User, administrator: User) -> None:
    client = signed_in(approver)
    people.change(
        approver, roles=["approver", "operator"], groups=[], on_call=True, by=administrator, actor=SYSTEM, source=HOST
    )
    assert is_in(client)


def test_the_own_page_lists_sessions_and_ends_one_or_all_others(approver: User, second_approver: User) -> None:
    here = Client(headers={"User-Agent": "Firefox <b>"})
    signed_in(approver, here)
    phone, laptop, foreign = signed_in(approver), signed_in(approver), signed_in(second_approver)
    page = here.get("/settings/sign-in/")
    assert len(page.context["sessions"]) == 3
    text = page.content.decode()
    assert "Firefox &lt;b&gt;" in text
    assert not any(str(client.session.session_key) in text for client in (here, phone, laptop))
    marks = {row.pk: mark for row, mark, _ in page.context["sessions"]}
    here.post("/settings/sign-in/end/", {"session": marks[phone.session.session_key]})
    assert [is_in(client) for client in (here, phone, laptop)] == [True, False, True]
    theirs = foreign.get("/settings/sign-in/").context["sessions"][0][1]
    here.post("/settings/sign-in/end/", {"session": theirs})
    here.post("/settings/sign-in/end/")
    assert [is_in(client) for client in (here, laptop, foreign)] == [True, False, True]
    assert [row.detail["count"] for row in AuditRecord.objects.filter(event="person.sessions_ended")] == [1, 1]


def test_a_request_on_its_way_cannot_bring_an_ended_session_back(approver: User) -> None:
    client = signed_in(approver)
    kept = client.session
    assert kept["auth_time"]  # read, as a request has that began before
    Session.objects.filter(user=approver).delete()
    kept["theme"] = "dark"
    with pytest.raises(UpdateError):
        kept.save()
    assert not Session.objects.filter(user=approver).exists()


def test_a_sign_in_changes_the_key_that_somebody_may_have_planted(approver: User) -> None:
    phone, _ = enrolled(approver)
    client = Client()
    client.session.save()
    planted = client.session.session_key
    client.post("/sign-in/", {"username": "approver", "password": PASSWORD})
    half = client.session.session_key
    client.post("/sign-in/second/", {"code": phone.code()})
    assert len({planted, half, client.session.session_key}) == 3
