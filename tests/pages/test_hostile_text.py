"""What comes from outside is shown, never obeyed: not by a browser, not by an eye."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from app.templatetags.console import prose, visible
from approvals.models import Proposal, Report
from incidents.models import Asset, Diagnosis, Evidence, Incident
from tests.pages.seed_proposal import sections

HX = {"HX-Request": "true"}
EVIL = '<script>alert(1)</script>" onmouseover="x\u202etxt.exe\u200b\x1b[31m`<blink>`{{ 7 }}'
PATHS = ["/incidents/", "/incidents/1042/", "/incidents/1042/proposal/", "/approvals/", "/approvals/?tab=all"]


class Tags(HTMLParser):
    """What a browser would make of a page: its elements, attributes and scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script":
            self.scripts += data


@pytest.fixture
def hostile(yen: Incident) -> Incident:
    Incident.objects.update(title=EVIL, summary=EVIL)
    Asset.objects.filter(pk=yen.root_asset_id).update(name=EVIL)
    Diagnosis.objects.update(claims=[{"text": EVIL, "cites": [EVIL]}], alternatives=[{"cause": EVIL, "why_not": EVIL}])
    for one in Evidence.objects.all():
        one.title, one.source, one.body = EVIL, EVIL, poisoned(one.body)
        one.save()
    made = Proposal.objects.get()
    Proposal.objects.update(title=EVIL, risk_reason=EVIL, effect=poisoned(made.effect), plan=poisoned(made.plan))
    Report.objects.update(sections=poisoned(sections()), not_checked=[EVIL])
    return yen


def poisoned(value: Any) -> Any:
    """Every free text of it replaced; words that code reads stay."""
    if isinstance(value, dict):
        kept = {"kind", "where", "uri", "state", "action", "change", "status", "at", "opened_at", "on_red"}
        return {key: part if key in kept else poisoned(part) for key, part in value.items()}
    if isinstance(value, list):
        return [poisoned(part) for part in value]
    return EVIL if isinstance(value, str) else value


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [{}, HX], ids=["page", "fragment"])
def test_hostile_text_is_inert_everywhere(console: Any, hostile: Incident, path: str, headers: dict[str, str]) -> None:
    page = console.get(path, headers=headers).content.decode()
    seen = Tags()
    seen.feed(page)
    assert "blink" not in seen.names and "alert(1)" not in seen.scripts
    assert not [name for name in seen.attributes if name.startswith("on")]
    assert not re.findall(r".{0,40}[\u202e\u200b\x1b]", page)


@pytest.mark.parametrize("path", [*PATHS, "/incidents/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"])
def test_a_strict_policy_holds_and_nothing_needs_an_exception(console: Any, yen: Incident, path: str) -> None:
    answer = console.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    page = answer.content.decode()
    assert " style=" not in page and "<style" not in page
    assert not re.search(r"<script(?![^>]* src=)", page) and not re.search(r"\son\w+=", page)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("\u200b\u2066\ufeff", "⟨U+200B⟩⟨U+2066⟩⟨U+FEFF⟩"),
        ("\x1b[2K\rdone", "⟨U+001B⟩[2K⟨U+000D⟩done"),
        ("one\r\ntwo\tthree", "one\ntwo\tthree"),
        ("Zürich ¥ 円 😀", "Zürich ¥ 円 😀"),
        (None, ""),
    ],
)
def test_hidden_characters_are_shown_by_name_and_letters_are_left_alone(text: str | None, shown: str) -> None:
    assert visible(text) == shown


def test_prose_knows_code_and_nothing_else() -> None:
    assert prose("`a<b` & <i>c</i>") == "<code>a&lt;b</code> &amp; &lt;i&gt;c&lt;/i&gt;"


def test_a_removed_comment_that_looks_like_a_header_is_shown(console: Any, yen: Incident) -> None:
    text = "--- a/x.sql\n+++ b/x.sql\n@@ -1,2 +1 @@\n--- drop the guard\n select 1\n"
    code = {"path": "x.sql", "added": 0, "removed": 1, "text": text}
    Report.objects.update(sections={**sections(), "statements": {"code": [code]}})
    page = console.get("/incidents/1042/proposal/", headers=HX).content.decode()
    assert '<span class="del">--- drop the guard</span>' in page
