from __future__ import annotations

import io

import pytest

from app.core.redact import MASK
from incidents.triage import BLOCK, TAIL, WORN, triage

PYTHON = """\
2026-11-20 02:00:00 INFO start
Traceback (most recent call last):
  File "/srv/jobs/load.py", line 3, in read_error_log
    raise KeyError("error_code")
  File "/srv/jobs/load.py", line 9, in main
psycopg.errors.UndefinedTable: relation "public.deals" does not exist

The above exception was the direct cause of the following exception:

RuntimeError: load failed
"""


def test_a_traceback_is_its_exceptions_and_where_it_was_chained() -> None:
    found = triage(PYTHON)
    assert [line.number for line in found.lines][-2:] == [6, 10]
    assert (found.chains, found.total) == ([8], 10)
    assert not {3, 4, 5} & {line.number for line in found.lines}


def test_what_the_last_good_run_said_as_well_is_left_out() -> None:
    good = "02:00 WARN could not read cache 17\n"
    log = "03:00 WARN could not read cache 99\n03:01 ERROR could not read table 5\n"
    assert [line.number for line in triage(log, good).lines] == [2]


def test_secrets_are_covered() -> None:
    line = triage("ERROR could not connect to postgresql://etl:hunter22@db/crm\n").lines[0]
    assert "hunter22" not in line.text
    assert MASK in line.text


@pytest.mark.parametrize("at", [0, 1, 2])
def test_lines_are_numbered_over_the_edges_of_blocks(at: int) -> None:
    healthy = b"02:00 INFO read 17 rows\n" * (BLOCK // 20)
    parts = [healthy, healthy, healthy]
    parts.insert(at, b"MemoryError\r\n")
    log = b"".join(parts)
    found = triage(io.BytesIO(log))
    expected = log[: log.index(b"MemoryError")].count(b"\n") + 1
    assert [(line.number, line.text) for line in found.lines] == [(expected, "MemoryError")]
    assert (found.total, found.size) == (log.count(b"\n"), len(log))


def test_a_word_in_every_line_does_not_hide_what_ended_the_run() -> None:
    noise = b"".join(b"02:00 INFO wrote table error_log_%d failed=0\n" % n for n in range(BLOCK // 30))
    assert noise.count(b"error") > WORN
    log = noise + b"02:47 INFO done with 17\n" * (TAIL // 40) + b"02:48 ERROR something failed at last\n"
    assert triage(io.BytesIO(log)).lines[-1].text == "02:48 ERROR something failed at last"


@pytest.mark.parametrize("log", ["", "\n\n", "\x00\xff" * 1000, "a" * 10**6, "error" * 10**5, "é" * 9999])
def test_whatever_comes_is_read(log: str) -> None:
    assert triage(log).size == len(log.encode("utf-8", "replace"))


def test_a_traceback_inside_one_line_of_json_is_read() -> None:
    packed = r'{"level": "ERROR", "msg": "Traceback:\n  File \"/srv/a.py\", line 3\nMemoryError\n"}'
    line = triage(f"first\n{packed}\n").lines[0]
    assert (line.number, line.match and line.match.signature.subtype) == (2, "out_of_memory")
