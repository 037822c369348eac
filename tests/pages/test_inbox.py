from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from app.core.audit import SYSTEM
from app.core.lifecycle import advance
from incidents.models import Incident
from tests import factories

HX = {"HX-Request": "true"}


def numbers(response: Any) -> list[int]:
    return [int(n) for n in re.findall(r'id="row-(\d+)"', response.content.decode())]


def test_the_front_door_leads_to_the_inbox(console: Any) -> None:
    assert console.get("/").headers["Location"] == "/incidents/"


def test_incidents_stand_in_groups_by_what_they_need(console: Any, yen: Incident) -> None:
    page = console.get("/incidents/").content.decode()
    order = [page.index(title) for title in ("Needs your decision", "Working", "Watching", "Resolved today")]
    assert order == sorted(order)
    assert numbers(console.get("/incidents/"))[:4] == [1042, 1041, 1039, 1037]  # by severity, then the newest
    assert "Needs a person" in page  # an escalated one


def test_htmx_gets_the_table_alone_and_caches_keep_the_two_apart(console: Any, yen: Incident) -> None:
    page, fragment = console.get("/incidents/"), console.get("/incidents/", headers=HX)
    assert "<html" in page.content.decode()
    assert "<html" not in fragment.content.decode()
    assert numbers(page) == numbers(fragment)
    assert "HX-Request" in page.headers["Vary"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"class": "code"}, [1045]),
        ({"q": "1042"}, [1042]),
        ({"q": "inc-1041"}, [1041]),
        ({"q": "RAW.POS"}, [1044]),
        ({"q": "forecast"}, [1037]),
        ({"source": "openlineage"}, [1044]),
        ({"owner": "none", "class": "infrastructure"}, []),
        ({"status": "resolved"}, [1033, 1031]),
        ({"status": "watching"}, [1043, 1034]),
        ({"status": "nonsense", "class": "nonsense", "q": "1045"}, [1045]),
    ],
)
def test_filters_narrow_and_stay_in_the_address(
    console: Any, yen: Incident, filters: dict[str, str], found: list[int]
) -> None:
    page = console.get(f"/incidents/?{urlencode(filters)}")
    assert numbers(page) == found
    if not found:
        assert "No incident matches these filters" in page.content.decode()


def test_my_own_incidents_are_those_that_i_own(console: Any, yen: Incident, cast: dict[str, Any]) -> None:
    assert 1042 in numbers(console.get("/incidents/?owner=me"))
    assert 1038 not in numbers(console.get("/incidents/?owner=me"))


def test_history_is_paged_without_gap_or_repeat(console: Any) -> None:
    for _ in range(120):
        factories.incident(status="resolved", resolution="fixed")
    seen, address = [], "/incidents/?status=all"
    while address:
        page = console.get(address)
        seen += numbers(page)
        older = re.search(r'href="(\?[^"]+)" rel="next"', page.content.decode())
        address = f"/incidents/{older[1].replace('&amp;', '&')}" if older else ""
    assert seen == sorted(Incident.objects.values_list("number", flat=True), reverse=True)


def test_a_moved_incident_is_announced_and_no_row_is_reordered(console: Any, yen: Incident) -> None:
    since = timezone.now().isoformat()
    assert "new or changed" not in console.get("/incidents/new/", {"since": since}).content.decode()
    advance(Incident.objects.get(number=1044), "proposing", actor=SYSTEM, source="worker")
    assert "1 new or changed" in console.get("/incidents/new/", {"since": since}).content.decode()
    assert "1 new or changed" not in console.get("/incidents/new/", {"since": since, "class": "code"}).content.decode()


@pytest.mark.parametrize("since", ["", "yesterday", "2026-11-20T03:00:00"])
def test_a_time_without_sense_or_zone_is_refused_in_words(console: Any, since: str) -> None:
    assert console.get("/incidents/new/", {"since": since}).status_code == 422


def test_an_empty_inbox_says_what_happened_last(console: Any) -> None:
    assert "Nothing has broken yet" in console.get("/incidents/").content.decode()
    hour_ago = timezone.now() - timedelta(days=2, hours=1)
    factories.incident("orders is late", status="resolved", resolved_at=hour_ago, number=77)
    page = console.get("/incidents/").content.decode()
    assert "Last one resolved 2d 1h ago" in page
    assert "0 open. Last resolved" in page and "need you" not in page
    assert "INC-77" in page


def test_the_number_of_queries_does_not_grow_with_history(console: Any, yen: Incident) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert console.get("/incidents/").status_code == 200
        return len(queries)

    before = cost()
    statuses = ["awaiting_decision", "open", "watching", "resolved", "escalated"] * 30
    for number, status in enumerate(statuses, 2000):  # clear of the numbers of the seed
        factories.incident(status=status, number=number)
    assert cost() == before <= 14


@pytest.mark.parametrize("path", ["/incidents/", "/incidents/1042/", "/incidents/1042/proposal/", "/approvals/"])
def test_strangers_sign_in_and_outsiders_are_refused(client: Any, yen: Incident, outsider: Any, path: str) -> None:
    assert client.get(path).headers["Location"].startswith("/sign-in/")
    client.force_login(outsider)
    assert client.get(path).status_code == 403
