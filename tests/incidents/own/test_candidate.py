"""Patterns come from people: what costs much, or says nothing, is refused with a sentence."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from app.core.errors import Invalid
from incidents.own.candidate import checked, healthy_lines, signature
from incidents.own.lexicon import lexicon
from incidents.own.models import OwnSignature
from incidents.rules.engine import retry_after, size
from incidents.signatures import LINE_LIMIT, Lexicon, load
from incidents.triage import triage
from tests.incidents.own.writing import candidate

# What backtracks for ever in engines that backtrack.
HOSTILE = [r"(a+)+feed$", r"(?:a|a)*feed", r"(.*)(.*)(.*)(.*)feed(.*)!", r"(\w+\s?)+feed!", r"(?:.*a){30}feed"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "Partner Feed"}, "small letters"),
        ({"name": "x" * 61}, "up to 60"),
        ({"subtype": "bad_luck"}, "There is no subtype “bad_luck”"),
        ({"rank": "first"}, "A rank is one of"),
        ({"decides": "stars"}, "what decides is one of"),
        ({"means": "  "}, "Say in one line"),
        ({"means": "two\nlines"}, "Say in one line"),
        ({"pattern": ""}, "Write a pattern"),
        ({"pattern": "x" * 501}, "at most 500 characters"),
        ({"pattern": "feed (\\d+"}, "Cannot be used"),
        ({"pattern": r"(?=feed)busy"}, "Look-around"),
        ({"pattern": r"(feed) \1"}, "back-references"),
        ({"pattern": "feed\x00busy"}, "characters that can be seen"),
        ({"pattern": "feed\u202e busy"}, "characters that can be seen"),
        ({"pattern": "(?:partner feed)?"}, "says nothing"),
        ({"pattern": ".*"}, "says nothing"),
        ({"pattern": r"[\w\s]{0,900}feed busy"}, "too large"),
        ({"pattern": r"(?:feed \pL{1,900}){9}"}, "Cannot be used"),
        ({"pattern": r"\w+: \d+"}, "No text of 4 characters is sure"),
        ({"pattern": "finished"}, "what healthy runs say too"),
        ({"pattern": r"\w", "literals": ("info",)}, "what healthy runs say too"),
        ({"literals": ("xyz",)}, "4 to 100 characters"),
        ({"literals": ("Partner",)}, "small letters"),
        ({"literals": tuple(f"text {n}" for n in range(21))}, "At most 20 texts"),
        ({"follow": ".*"}, "What may follow"),
        ({"follow": "(?P<x>["}, "Cannot be used"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_a_sentence(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        checked(candidate(**fields))


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_hostile_pattern_on_a_hostile_log_costs_little(pattern: str) -> None:
    own = signature(candidate(pattern=pattern, literals=("feed",)), 1)
    log = "\n".join((f"feed {n} " + text * LINE_LIMIT)[:LINE_LIMIT] for n in range(40) for text in ("a", "a ", "é"))
    started = time.monotonic()
    triage(log, None, Lexicon((own,)))
    assert time.monotonic() - started < 5


def test_five_hundred_of_them_slow_a_healthy_log_down_hardly(approver: Any) -> None:
    for number in range(500):
        own = candidate(name=f"feed-{number}", pattern=f"feed {number} of partner (?P<name>\\S+) is closed")
        OwnSignature.objects.create(author=approver, **own.content)
    log = "\n".join(healthy_lines() * 2_000)
    known = lexicon()
    triage(log, None, known)  # built once
    started = time.monotonic()
    assert [line.match for line in triage(log, None, known).lines if line.match and line.match.signature.is_own] == []
    assert time.monotonic() - started < 10


def test_none_of_the_files_signatures_says_that_a_healthy_line_is_a_cause() -> None:
    known = [(line.text, line.match.signature.id) for line in triage("\n".join(healthy_lines())).lines if line.match
             and line.match.signature.is_cause]  # fmt: skip
    assert known == [] and len(load()) > 250


@pytest.mark.parametrize("text", ["²", ".", "5 IB", "9" * 400, "1.2.3", "", "٣", "-1", "MB", "Mon, 99 Foo 99999 99:99"])
def test_whatever_a_group_of_ones_own_reads_out_breaks_no_rule(text: str) -> None:
    assert size(text) is None or size(text) >= 0  # type: ignore[operator]
    wait = retry_after(text, datetime.now(UTC))
    assert wait is None or wait >= 0
