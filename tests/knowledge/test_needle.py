from __future__ import annotations

from random import Random

import pytest

from knowledge.needle import needle
from knowledge.rule import pattern


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("503", "503"),
        (r"HTTP \d+ Service Unavailable", " service unavailable"),
        (r"disk/full\.", "disk/full."),
        ("colou?rs are", "rs are"),
        ("ab+cdef", "cdef"),
        ("(Service|Gateway) Unavailable", ""),  # an alternative: nothing is sure
        ("(?i)out of memory", ""),
        ("[abc]def[^]x]ghij", "ghij"),
        ("x{2}yzw", "yzw"),
        (r"\bdeadlock\b seen", "deadlock"),
        (r"\x41bcdef", ""),
        ("a.b.c", ""),
        ("", ""),
    ],
)
def test_the_longest_text_that_must_be_there(given: str, found: str) -> None:
    assert needle(given) == found


def test_what_a_pattern_matches_always_holds_its_needle() -> None:
    random = Random(7)  # noqa: S311
    parts = ["abc", "d?", "e*", "f+", "(gh)", "(ij)?", "[kl]", "[^m]", "n{1,2}", "o{0}", r"\.", r"\d", "pqr", ".", "st"]
    samples = ["abcdefghijkl.1pqrst", "abcfghk.5pqrxst", "fghabckzn.7pqr_st", "abcpqrst", "fffghijlxnn.9pqrabc"]
    tried = 0
    for _ in range(3000):
        made = "".join(random.choices(parts, k=random.randint(1, 5)))
        for sample in samples:
            if pattern(made).search(sample):
                tried += 1
                assert needle(made) in sample, made
    assert tried > 1000
