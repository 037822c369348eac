"""Bar 30: what is seen is what is signed. Hostile plans on the page and in Slack: the bytes hash, nothing runs."""

from __future__ import annotations

import json
import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest

from app.core.canonical import sha256
from app.core.visible import visible
from approvals.live.cards import card
from approvals.live.view import groups, view
from approvals.models import Proposal
from incidents.models import Incident
from integrations.slack import blocks
from tests.approvals.adversarial import hostile
from tests.slack_blocks import problems

SMOKE, ALL = 12, 500


class Page(HTMLParser):
    """Text by the id of its element, in the order of the page; what a browser would run."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self.open: list[tuple[str, str]] = []
        self.runs: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.runs += [name for name in given if name.startswith("on") or name == "style"]
        self.runs += [tag] if tag in {"script", "style", "iframe", "object"} and not given.get("src") else []
        self.links += [given[name] or "" for name in ("href", "src", "action") if name in given]
        if tag not in {"br", "img", "input", "meta", "link", "use", "rect", "path", "circle", "hr"}:
            self.open.append((tag, given.get("id") or ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1][0] == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for name in {name for _, name in self.open if name}:
            self.texts[name] = self.texts.get(name, "") + data


def check_page(console: Any, plan: dict[str, Any], statement: str) -> None:
    body = console.get("/incidents/1042/proposal/", headers={"HX-Request": "true"}).content.decode()
    seen = Page()
    seen.feed(body)
    shown = json.loads(seen.texts["plan-bytes"])
    assert sha256(shown) == sha256(plan) == seen.texts["plan-hash"].strip()
    assert seen.runs == [] and not [link for link in seen.links if "evil" in link or link.startswith("javascript")]
    assert [char for char in set(body) if visible(char) != char] == []
    word = statement.split()[0].upper()
    above = re.sub(r"<[^>]+>", "", body.partition('<ol class="plan">')[0])
    assert re.search(rf"{word} in step 2, line \d", above), word


def check_slack(number: int, bound: str, statement: str) -> None:
    _, drawn = card(view(1042))
    made = blocks.card(drawn)
    assert problems(made) == []
    texts = list(_texts(made))
    assert [one for one in texts if one["type"] == "mrkdwn"] == [texts[-1]]
    assert re.fullmatch(r"<http[^|>]*/incidents/1042/\|Open in the console>", texts[-1]["text"])
    assert all(visible(one["text"]) == one["text"] for one in texts)
    said = " ".join(one["text"] for one in texts)
    assert groups(bound) in said
    assert statement.split()[0].upper() in said
    note = blocks.notification(drawn.title)
    assert not re.search(r"<[!@#h]", note)
    urls = [
        button["url"] for block in made if block["type"] == "actions" for button in block["elements"] if "url" in button
    ]
    assert all("evil" not in url for url in urls)


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("type") in {"plain_text", "mrkdwn"}:
            yield value
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def run(console: Any, incident: Incident, numbers: range) -> None:
    for number in numbers:
        plan, statement = hostile(number)
        made = Proposal.objects.filter(incident=incident)
        made.update(plan=plan, title=plan["title"][:300], effect={"line": plan["why"]}, fingerprint=sha256([number]))
        Incident.objects.filter(pk=incident.pk).update(title=plan["title"][:300], summary=plan["why"][:300])
        try:
            check_page(console, plan, statement)
            check_slack(number, sha256([number]), statement)
        except AssertionError as error:
            raise AssertionError(f"plan {number}") from error


def test_hostile_plans_are_seen_as_they_are_signed(console: Any, yen: Incident) -> None:
    run(console, yen, range(SMOKE))


@pytest.mark.chaos
def test_five_hundred_hostile_plans_are_seen_as_they_are_signed(console: Any, yen: Incident) -> None:
    began = time.monotonic()
    run(console, yen, range(ALL))
    print(f"bar 30: {ALL} plans, seeds 'plan 0' to 'plan {ALL - 1}', {time.monotonic() - began:.0f} s")  # noqa: T201
