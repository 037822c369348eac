from __future__ import annotations

import pytest
from celery import current_app
from django.test import Client

from app.core.models import User
from approvals.models import KillSwitch
from integrations.models import Connection
from tests.chaos.pack import free_port, listen


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_a_pressed_switch_is_said_on_every_page_until_another_person_lifts_it(
    approver: User, second_approver: User
) -> None:
    client = signed_in(approver)
    client.post("/settings/kill-switch/press/", {"what": "all", "reason": "the lake is moved"})
    assert "Executions are stopped" in client.get("/incidents/").content.decode()
    assert "the lake is moved" in client.get("/settings/kill-switch/").content.decode()
    switch = KillSwitch.objects.get()
    assert client.post(f"/settings/kill-switch/{switch.pk}/lift/").status_code == 403
    assert signed_in(second_approver).post(f"/settings/kill-switch/{switch.pk}/lift/").status_code == 302
    assert "Executions are stopped" not in client.get("/incidents/").content.decode()


@pytest.mark.parametrize(
    ("sent", "scope"),
    [
        ({"what": "connection:lake"}, "connection:lake"),
        ({"what": "action:quarantine"}, "action:quarantine"),
        ({"what": "asset", "asset": " iceberg://lake/raw.orders "}, "asset:iceberg://lake/raw.orders"),
    ],
)
def test_a_part_can_be_stopped_alone(operator: User, sent: dict[str, str], scope: str) -> None:
    Connection.objects.create(name="lake", kind="iceberg")
    signed_in(operator).post("/settings/kill-switch/press/", {**sent, "reason": "r"})
    assert KillSwitch.objects.get().scope == scope


@pytest.mark.parametrize(
    "sent", [{"what": "all"}, {"what": "asset", "reason": "r"}, {"what": "connection:gone", "reason": "r"}]
)
def test_a_switch_without_a_reason_or_a_scope_is_not_pressed(operator: User, sent: dict[str, str]) -> None:
    assert signed_in(operator).post("/settings/kill-switch/press/", sent).status_code == 422
    assert not KillSwitch.objects.exists()


def test_it_is_one_press_away_on_every_page(operator: User, auditor: User) -> None:
    for path in ("/incidents/", "/approvals/", "/assets/", "/knowledge/", "/settings/"):
        assert 'href="/settings/kill-switch/#stop"' in signed_in(operator).get(path).content.decode(), path
    assert "#stop" not in signed_in(auditor).get("/incidents/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_it_is_pressed_and_lifted_with_the_broker_down(approver: User, second_approver: User) -> None:
    own = current_app.conf.broker_url
    listen(f"redis://127.0.0.1:{free_port()}/0")
    try:
        press = {"what": "all", "reason": "r"}
        assert signed_in(approver).post("/settings/kill-switch/press/", press).status_code == 302
        switch = KillSwitch.objects.get(lifted_at=None)
        assert signed_in(second_approver).post(f"/settings/kill-switch/{switch.pk}/lift/").status_code == 302
    finally:
        listen(own)
    assert not KillSwitch.objects.filter(lifted_at=None).exists()


def test_the_tab_is_there_for_those_who_may_press(operator: User, auditor: User) -> None:
    assert "/settings/kill-switch/" in signed_in(operator).get("/settings/").content.decode()
    assert "/settings/kill-switch/" not in signed_in(auditor).get("/settings/").content.decode()
