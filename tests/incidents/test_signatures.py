from __future__ import annotations

import time

import pytest

from app.core.redact import MASK, redact
from incidents.models import CLASSES
from incidents.signatures import LINE_LIMIT, Match, Signature, load
from incidents.triage import triage

BY_ID = {signature.id: signature for signature in load()}


def match(log: str) -> list[Match]:
    return [line.match for line in triage(log).lines if line.match]


@pytest.mark.parametrize("signature", load(), ids=lambda signature: signature.id)
def test_a_signature_finds_its_text_and_not_the_near_miss(signature: Signature) -> None:
    found = match(f"first line\n  {signature.matches}\nlast line")
    assert [(hit.signature.id, hit.line) for hit in found] == [(signature.id, 2)]
    assert signature.id not in {hit.signature.id for hit in match(signature.near_miss)}


def test_signatures_are_many_and_each_has_its_own_id_and_its_source() -> None:
    assert len(load()) == len(BY_ID) >= 250
    assert [one.id for one in load() if not one.source.startswith("https://")] == []
    assert [one.id for one in load() if not all(len(text) > 3 and text == text.lower() for text in one.literals)] == []
    assert {signature.failure_class for signature in load()} == set(CLASSES)


@pytest.mark.parametrize("piece", ["a", " ", '"', "'", "(", "HTTP 503 ", "Binder Error: ", "x.y/", "IO Error: ", "é"])
def test_a_hostile_log_costs_little(piece: str) -> None:
    line = (piece * LINE_LIMIT)[: LINE_LIMIT * 5]
    started = time.thread_time()
    match("\n".join([line] * 20))
    redact(line)
    assert time.thread_time() - started < 2


def test_what_the_tool_says_in_the_next_line_is_added() -> None:
    log = 'Binder Error: Referenced column "a" not found in FROM clause!\n  Candidate bindings: "b", "c"'
    assert match(log)[0].groups == {"column": "a", "candidates": '"b", "c"'}


def test_a_service_that_says_when_to_come_back() -> None:
    line = "GET http://x/v1?d=1 -> HTTP 503 Service Unavailable; Retry-After: 17; opens at 2026-11-20T10:00:00Z"
    assert match(line)[0].groups == {"status": "503", "retry_after": "17"}


def test_the_limit_that_was_reached_is_read() -> None:
    line = "Out of Memory Error: failed to allocate data of size 256.0 KiB (91.4 MiB/91.5 MiB used)"
    assert match(line)[0].groups == {"used": "91.4 MiB", "limit": "91.5 MiB"}


@pytest.mark.parametrize(
    "text",
    [
        "dsn postgresql://etl:hunter22@db/crm",
        "API_KEY=hunter22hunter22",
        'password: "hunter22"',
        "Authorization: Bearer hunter22hunter22",
    ],
)
def test_secrets_in_a_log_are_covered(text: str) -> None:
    assert "hunter22" not in redact(text)
    assert MASK in redact(text)


def test_ordinary_text_is_left_alone() -> None:
    text = 'Binder Error: Referenced column "token_count" not found\nSELECT key, 1 FROM s WHERE a = 1 -- http://h:80/p'
    assert redact(text) == text
