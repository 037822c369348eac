from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from app.core import clock
from app.core.models import AuditRecord, User
from approvals.models import Freeze


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_an_administrator_declares_one_and_takes_it_away(administrator: User, operator: User) -> None:
    client, now = signed_in(administrator), clock.now()
    since, until = f"{now - timedelta(hours=1):%Y-%m-%d %H:%M}", f"{now + timedelta(hours=1):%Y-%m-%d %H:%M}"
    sent = {"what": "all", "reason": "<b>Year's end</b>", "since": since, "until": until}
    assert client.post("/settings/freezes/declare/", sent).status_code == 302
    page = signed_in(operator).get("/settings/freezes/").content.decode()
    assert "&lt;b&gt;Year" in page and ">Now<" in page and "Take away" not in page
    row = Freeze.objects.get()
    assert client.post(f"/settings/freezes/{row.pk}/end/").status_code == 302
    assert "No freeze is declared" in client.get("/settings/freezes/").content.decode()
    events = AuditRecord.objects.filter(event__startswith="freeze.").order_by("pk").values_list("event", flat=True)
    assert [*events] == ["freeze.declared", "freeze.ended"]


def test_a_weekly_one_is_said_in_its_own_zone(administrator: User) -> None:
    sent = {"what": "asset", "asset": "iceberg://lake/raw.orders", "reason": "r", "weekdays": ["4", "0"]}
    times = {"opens": "22:00", "closes": "06:00", "zone": "Europe/Berlin"}
    client = signed_in(administrator)
    assert client.post("/settings/freezes/declare/", {**sent, **times}).status_code == 302
    page = client.get("/settings/freezes/").content.decode()
    assert "on Mon, Fri from 22:00 to 06:00 Europe/Berlin" in page


@pytest.mark.parametrize("sent", [{}, {"since": "tomorrow"}, {"weekdays": ["9"]}, {"weekdays": ["1"]}])
def test_half_a_freeze_is_refused(administrator: User, sent: dict[str, object]) -> None:
    answer = signed_in(administrator).post("/settings/freezes/declare/", {"what": "all", "reason": "r", **sent})
    assert answer.status_code == 422 and not Freeze.objects.exists()
