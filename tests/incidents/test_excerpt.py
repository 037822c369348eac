"""Stack traces between shown lines are folded; nothing of what decides is."""

from __future__ import annotations

import time

import pytest

from incidents.excerpt import FEW, KEPT, excerpt
from incidents.triage import triage
from integrations.values import Json


def read(log: str) -> list[Json]:
    known = [line.match for line in triage(log).lines if line.match]
    return excerpt(log.splitlines(), known)


def python(frames: int, last: str = "psycopg.errors.DiskFull: could not extend file: No space left on device") -> str:
    places = [
        f'  File "/app/step_{n}.py", line {n}, in step_{n}\n    step_{n + 1}()\n    ^^^^^^' for n in range(frames)
    ]
    return "\n".join(["02:47 INFO start", "Traceback (most recent call last):", *places, last, "02:48 INFO end"])


def java(frames: int) -> str:
    places = [f"\tat org.apache.spark.scheduler.Task{n}.run(Task.scala:{n})" for n in range(frames)]
    last = "Caused by: java.lang.OutOfMemoryError: Java heap space"
    return "\n".join(["26/11/20 ERROR Executor: x", "java.lang.RuntimeException: no", *places, last, *places[:9],
                      "\t... 25 more", "26/11/20 INFO end"])  # fmt: skip


def test_the_frames_of_python_fold_and_the_deepest_stays_with_its_code() -> None:
    found = read(python(34))
    assert [entry["text"].strip() for entry in found] == [
        "Traceback (most recent call last):",
        "… 33 frames",
        'File "/app/step_33.py", line 33, in step_33',
        "step_34()",
        "^^^^^^",
        "psycopg.errors.DiskFull: could not extend file: No space left on device",
        "02:48 INFO end",
    ]
    fold = found[1]
    assert (fold["n"], fold["to"], fold["frames"]) == (3, 101, 33)
    assert [entry["hit"] for entry in found] == [False] * 5 + [True, False]


def test_the_frames_of_java_fold_on_either_side_of_the_cause() -> None:
    found = read(java(34))
    assert [entry["text"].strip() for entry in found] == [
        "java.lang.RuntimeException: no",
        "… 34 frames",
        "Caused by: java.lang.OutOfMemoryError: Java heap space",
        "at org.apache.spark.scheduler.Task0.run(Task.scala:0)",
        "… 9 frames",  # "... 25 more" is one of them
    ]
    assert [entry["text"] for entry in found if entry["hit"]] == [
        "Caused by: java.lang.OutOfMemoryError: Java heap space"
    ]


@pytest.mark.parametrize("frames", [0, 1, FEW, FEW + 1, FEW + 2, 200])
def test_every_line_of_a_trace_stands_or_is_in_a_fold_once(frames: int) -> None:
    log = python(frames)
    seen: list[int] = []
    for entry in read(log):
        seen += [line["n"] for line in entry["lines"]] if "frames" in entry else [entry["n"]]
    assert seen == sorted(set(seen))
    if frames <= KEPT // 4:
        assert seen == list(range(2 if frames else 1, len(log.splitlines()) + 1))
    assert all("frames" in entry for entry in read(log) if frames > FEW + 1 and entry["text"].startswith("…"))


def test_an_endless_recursion_costs_little_and_keeps_both_ends() -> None:
    log = python(5_000)
    started = time.thread_time()
    fold = next(entry for entry in read(log) if "frames" in entry)
    assert time.thread_time() - started < 3
    assert (fold["frames"], len(fold["lines"])) == (4_999, KEPT)
    assert (fold["lines"][0]["n"], fold["lines"][-1]["n"]) == (fold["n"], fold["to"])


def test_a_log_without_a_trace_is_as_it_was() -> None:
    log = "\n".join(
        ["one", "two", "three", "four", "  at noon it failed", "ERROR disk is full: No space left on device"]
    )
    assert [entry["n"] for entry in read(log)] == [3, 4, 5, 6]
    assert all(set(entry) == {"n", "text", "hit"} for entry in read(log))


def test_indented_text_that_is_no_code_ends_the_trace() -> None:
    log = python(8, "ValueError: bad\n  detail: one\n  detail: two")
    texts = [entry["text"] for entry in read(log)]
    assert "  detail: one" in texts
