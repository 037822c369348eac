"""What is read out of a pattern is in every line that it matches, whatever the pattern."""

from __future__ import annotations

import random

import pytest
import re2

from incidents.own.literals import literals_of

SEED = 20261120
WORDS = ["feed", "busy", "disk", "quota", " is ", "load-", "x", "12", "a.b"]


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        (r"partner feed (?P<feed>\d+) is busy", ("partner feed ",)),
        ("Timeout|timed OUT", ("timed out", "timeout")),
        ("(?:foo bar|baz qux) now", ("baz qux", "foo bar")),
        (r"\bORA-\d{5}", ("ora-",)),
        ("a?bcd*efgh+ijk", ("efgh",)),
        ("[]a]bcde[^]x]", ("bcde",)),
        (r"a\.b\.c d", ("a.b.c d",)),
        ("ab{,3}cdef", ("ab{,3}cdef",)),  # RE2 takes these brackets as they are
        ("(?i:Hello) W", ("hello",)),
    ],
)
def test_the_longest_sure_text_is_taken(pattern: str, texts: tuple[str, ...]) -> None:
    assert literals_of(pattern) == texts


@pytest.mark.parametrize(
    "pattern",
    ["", ".*", r"\d+\s\w+", "abcd|", "(?:abcd)?", "abcd{0}", "[abcd]+", r"\Qabcd\E*", "abcé", "(" * 60 + "abcd"],
)
def test_where_nothing_is_sure_nothing_is_said(pattern: str) -> None:
    assert literals_of(pattern) == ()


def made(rng: random.Random, depth: int) -> tuple[str, str]:
    """A random pattern and a text that it matches."""
    kind = rng.randrange(8 if depth else 3)
    if kind < 3:
        word = rng.choice(WORDS)
        last = rng.choice(["", "+", "q?", "q*", "q??", r"\b|zzzz"]) if kind else ""
        pattern = f"{re2.escape(word)}{last}"
        text = "".join(rng.choice([char, char.upper()]) for char in word)
        return (f"(?:{pattern})", "zzzz") if "|" in last else (pattern, text)
    pattern, text = made(rng, depth - 1)
    other, second = made(rng, depth - 1)
    if kind == 3:
        return f"(?:{pattern}|{other})", rng.choice([text, second])
    if kind == 4:
        return f"(?P<n{rng.randrange(10**9)}>{pattern})?{other}", rng.choice([text, ""]) + second
    if kind == 5:
        return f"(?:{pattern}){{1,3}}{other}", text * rng.randint(1, 3) + second
    if kind == 6:
        return rf"{pattern}[\w\]]*\d+{other}", f"{text}{rng.choice(['', 'z'])}7{second}"
    return f"{pattern}.*?(?:{other})+", f"{text}{rng.choice(['', '??'])}{second}"


def test_a_line_that_matches_holds_one_of_the_texts() -> None:
    rng, told = random.Random(SEED), 0  # noqa: S311 - made-up patterns
    for _ in range(4_000):
        pattern, text = made(rng, 4)
        if re2.compile(f"(?i){pattern}").search(text) is None:
            raise AssertionError(f"{text!r} was made for {pattern!r}")
        texts = literals_of(pattern)
        told += bool(texts)
        assert not texts or any(one in text.lower() for one in texts), (pattern, text, texts)
    assert told > 2_000
