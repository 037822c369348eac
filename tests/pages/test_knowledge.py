"""The list of what people know, the page of an entry, and the knowledge tab of an incident."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from app.core.audit import Actor
from incidents.models import Evidence, Incident
from knowledge.archive import archive
from knowledge.models import Entry
from tests import factories
from tests.pages import seed_knowledge
from tests.pages.test_hostile_text import EVIL, Tags

HOSTILE = f"""# {EVIL}
[click](javascript:alert(1)) [data](data:text/html;base64,PHNjcmlwdD4=) ![pixel](http://evil.example/x.png)
<img src=x onerror=alert(1)> <http://fine.example/"onmouseover=alert(1)>

| a | b |
|:-:|--:|
| <iframe src=x> | 2 |

```"><script>alert(1)</script>
{EVIL}
```
"""


@pytest.fixture
def entries(cast: dict[str, Any]) -> dict[str, Entry]:
    return seed_knowledge.entries(cast["on_call"])


def titles(page: str) -> list[str]:
    return re.findall(r"data-row>([^<]+)</a>", page)


def cost(console: Any, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert console.get(path).status_code == 200
    return len(queries)


def test_the_list_says_trust_review_and_use_in_words(console: Any, entries: dict[str, Entry]) -> None:
    page = console.get("/knowledge/").content.decode()
    assert len(titles(page)) == 8
    assert "8 entries, 3 due for review" in page
    said = ["Draft from model", "Captured from INC-1042", "Needs an owner", "Overdue 9 d", "Human-authored"]
    said += ["11 approved", "2 misled", "not used yet", "error ~ &quot;503&quot;, asset in raw.partner_rates"]
    assert [words for words in said if words not in page] == []
    assert re.search(r'class="fill" width="79"', page)


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        ("kind=annotation", 4),
        ("review=overdue", 1),
        ("review=due", 3),
        ("trust=draft", 1),
        ("owner=me", 7),
        ("owner=none", 1),
        ("q=quota", 2),
        ("kind=annotation&q=tokyo", 1),
        ("kind=nonsense&review=%00", 8),
        ("q=zebra", 0),
        ("state=archived", 0),
    ],
)
def test_filters_narrow_the_list_and_what_is_not_offered_counts_as_none(
    console: Any, entries: dict[str, Entry], wish: str, found: int
) -> None:
    page = console.get(f"/knowledge/?{wish}").content.decode()
    assert len(titles(page)) == found
    assert ("No entry matches these filters" in page) == (found == 0)


def test_filters_are_kept_on_the_next_page(console: Any, cast: dict[str, Any]) -> None:
    for number in range(51):
        seed_knowledge.write(cast["on_call"], f"Note {number}")
    first = console.get("/knowledge/?kind=runbook").content.decode()
    assert len(titles(first)) == 50 and 'href="?kind=runbook&amp;page=2"' in first
    assert titles(console.get("/knowledge/?kind=runbook&page=2").content.decode()) == ["Note 0"]
    assert console.get("/knowledge/?page=99999999999999999999").status_code == 200


def test_nothing_yet_says_what_to_write(console: Any, cast: dict[str, Any], client: Any) -> None:
    assert "Write the first entry" in console.get("/knowledge/").content.decode()
    client.force_login(cast["analyst"])
    page = client.get("/knowledge/").content.decode()
    assert "Nothing has been written down yet" in page and "/knowledge/new/" not in page


def test_the_cost_of_the_list_does_not_grow(console: Any, cast: dict[str, Any], entries: dict[str, Entry]) -> None:
    before = cost(console, "/knowledge/")
    for number in range(20):
        seed_knowledge.cite(seed_knowledge.write(cast["lead"], f"Note {number}"), 3, 2, 1)
    assert cost(console, "/knowledge/") == before <= 12


def test_an_entry_for_one_role_is_not_there_for_others(console: Any, cast: dict[str, Any], client: Any) -> None:
    seed_knowledge.write(cast["on_call"], "For approvers", "asset = raw.sales", readers=("approver",))
    path = f"/knowledge/{Entry.objects.get().pk}/"
    assert titles(console.get("/knowledge/").content.decode()) == ["For approvers"]
    assert console.get(path).status_code == 200
    client.force_login(cast["analyst"])
    assert titles(client.get("/knowledge/").content.decode()) == []
    assert [client.get(f"{path}{more}").status_code for more in ("", "versions/1/")] == [404, 404]


def test_who_may_only_look_reads_it_and_is_told_who_could(
    cast: dict[str, Any], entries: dict[str, Entry], client: Any
) -> None:
    client.force_login(cast["analyst"])
    entry = entries["Partner rates API answers only in its window"]
    page = client.get(f"/knowledge/{entry.pk}/").content.decode()
    assert "<h4>When this applies</h4>" in page and 'id="k"' not in page
    assert "Retry inside 02:47 to 03:12 UTC, every day, at most 1 time." in page
    assert "operator" in page and f"/knowledge/{entry.pk}/save/" not in page
    assert "30" in page and "31 diagnoses" in page


def test_markdown_of_an_enemy_is_shown_and_does_nothing(console: Any, cast: dict[str, Any], client: Any) -> None:
    def pages(entry: Entry) -> list[str]:
        client.force_login(cast["analyst"])
        read = client.get(f"/knowledge/{entry.pk}/").content.decode()
        client.force_login(cast["on_call"])
        own = [client.get(path).content.decode() for path in (f"/knowledge/{entry.pk}/", "/knowledge/")]
        return [read, *own, client.post("/knowledge/preview/", {"body": entry.body}).content.decode()]

    calm, tags = Tags(), Tags()
    calm.feed("".join(pages(seed_knowledge.write(cast["on_call"], "Calm", "error ~ x", "Calm"))))
    hostile = pages(seed_knowledge.write(cast["on_call"], EVIL, 'error ~ "<script>"', HOSTILE))
    tags.feed("".join(hostile))
    assert tags.names - calm.names == {"table", "thead", "pre", "code", "h4"} - calm.names
    assert tags.attributes - calm.attributes <= {"rel"}
    assert tags.scripts == calm.scripts
    for page in hostile:
        drawn = re.sub(r'value="[^"]*"|<textarea.*?</textarea>', "", page, flags=re.S)  # fields hold what was typed
        assert "\u202e" not in drawn and "\u200b" not in drawn
        links = {link for link in re.findall(r'href="([^"]*)', page) if not link.startswith(("http://", "https://"))}
        assert {link for link in links if ":" in link} <= {"data:,"}  # the icon of the page
    assert 'rel="noopener noreferrer nofollow"' in hostile[0] and "&lt;iframe src=x&gt;" in hostile[0]


def test_an_archived_entry_is_read_and_taken_back(console: Any, cast: dict[str, Any]) -> None:
    entry = seed_knowledge.write(cast["on_call"], "Old")
    assert console.post(f"/knowledge/{entry.pk}/archive/").status_code == 302
    assert titles(console.get("/knowledge/").content.decode()) == []
    assert titles(console.get("/knowledge/?state=archived").content.decode()) == ["Old"]
    assert "Take back" in console.get(f"/knowledge/{entry.pk}/").content.decode()
    console.post(f"/knowledge/{entry.pk}/restore/")
    entry.refresh_from_db()
    assert entry.state == "draft"


def test_the_knowledge_tab_says_why_hints_and_use(console: Any, yen: Incident, entries: dict[str, Entry]) -> None:
    entry = entries["Partner rates API answers only in its window"]
    body = {"entry": entry.pk, "version": 3, "text": entry.body, "author": "On-call engineer", "why": "about raw.sales",
            "applies": True, "hints": entry.hints, "distance": 0}  # fmt: skip
    Evidence.objects.create(incident=yen, label="K7", kind="knowledge", title=entry.title, body=body, trust="human")
    before = cost(console, "/incidents/1042/")
    page = console.get("/incidents/1042/").content.decode()
    assert f'href="/knowledge/{entry.pk}/"' in page and "Found because: about raw.sales" in page
    assert "Retry inside 02:47" in page and "used in 31 diagnoses, 30 approved" in page
    assert "This is version 3; it is at version 1 now." in page
    for label in ("K8", "K9"):
        Evidence.objects.create(incident=yen, label=label, kind="knowledge", title="More", body=body, trust="human")
    assert cost(console, "/incidents/1042/") == before
    boss = factories.user("boss", "administrator")
    archive(entry, by=boss, actor=Actor.of(boss), source="web")
    assert "It was archived since." in console.get("/incidents/1042/").content.decode()
