"""The decisive lines of a log with their neighbours: the first cause before the last symptom. Pure.

A stack trace beside them stands there whole, from the line that begins it, with its frames folded into one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from incidents.signatures import Match
from integrations.values import Json

AROUND = 3  # lines before and after a decisive one
DECISIVE = 8  # decisive lines at most; the first ones are nearest the cause
TEXT_LIMIT = 500  # characters of a line that are shown
FEW = 3  # frames that stand as they are
KEPT = 60  # lines of a fold that are kept, half from either end: an endless recursion says the same again and again
WORDS = ("error", "exception", "failed", "fatal", "denied", "traceback")

_PYTHON = re.compile(r'[ \t|+]*File "[^"]{0,1000}", line \d{1,7}')
_JAVA = re.compile(r"\s+at [^\s(][^(]{0,400}\(|\s*\.\.\. \d{1,5} (?:more|common frames omitted)")
_AGAIN = "[Previous line repeated"


def excerpt(lines: Sequence[str], matches: Sequence[Match]) -> list[Json]:
    """`[{"n", "text", "hit"}]`; without a known signature, the first lines that speak of an error, else the end.

    Frames of a trace are one entry, {"n", "to", "frames", "text": "… 34 frames", "hit": False, "lines": [{"n",
    "text"}]}. The frame next to the decisive line stands as it is; of a long fold the middle is left out.
    """
    hits = [match.line for match in matches[:DECISIVE] if match.line <= len(lines)] or _suspicious(lines)
    shown = {n for hit in hits for n in range(max(1, hit - AROUND), min(len(lines), hit + AROUND) + 1)}
    places = _places(lines)
    folded = [run for run in _runs(sorted(places.keys() - hits)) if not shown.isdisjoint(run)]
    shown |= {run[0] - 1 for run in folded} - {0}  # what begins the trace
    found = [_line(lines, n) | {"hit": n in hits} for n in shown.difference(*folded)]
    for run in folded:
        found += _fold(lines, run, places, hits)
    return sorted(found, key=lambda entry: entry["n"])


def _fold(lines: Sequence[str], run: Sequence[int], places: dict[int, bool], hits: Sequence[int]) -> list[Json]:
    start, end = 0, len(run)
    is_python = any(_PYTHON.match(lines[n - 1]) for n in run[-6:])
    if run[0] - 1 in hits and not is_python:  # Java names the deepest frame first
        start = 1
    elif run[-1] + 1 in hits and is_python:  # Python last, with the code
        end = max(at for at, n in enumerate(run) if places[n] or not at)
    count, inside = sum(places[n] for n in run[start:end]), run[start:end]
    if count <= FEW:
        return [_line(lines, n) | {"hit": False} for n in run]
    kept = [*inside[: KEPT // 2], *inside[KEPT // 2 :][-KEPT // 2 :]]
    fold = {
        "n": inside[0],
        "to": inside[-1],
        "frames": count,
        "text": f"… {count} frames",
        "hit": False,
        "lines": [_line(lines, n) for n in kept],
    }
    return [fold, *(_line(lines, n) | {"hit": False} for n in (*run[:start], *run[end:]))]


def _places(lines: Sequence[str]) -> dict[int, bool]:
    """The lines of traces: True for one that names a place in the code, False for the code that it quotes."""
    found: dict[int, bool] = {}
    depth: int | None = None  # of the last place, where its code may follow
    for n, line in enumerate(lines, 1):
        if _PYTHON.match(line):
            found[n], depth = True, _depth(line)
        elif _JAVA.match(line):
            found[n], depth = True, None
        elif depth is not None and line.strip() and (_depth(line) > depth or line.strip().startswith(_AGAIN)):
            found[n] = False
        else:
            depth = None
    return found


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" \t|+"))


def _runs(numbers: Sequence[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for n in numbers:
        if run and n != run[-1] + 1:
            yield run
            run = []
        run.append(n)
    if run:
        yield run


def _line(lines: Sequence[str], n: int) -> Json:
    return {"n": n, "text": lines[n - 1][:TEXT_LIMIT]}


def _suspicious(lines: Sequence[str]) -> list[int]:
    found = [n for n, line in enumerate(lines, 1) if any(word in line.lower() for word in WORDS)]
    return found[:DECISIVE] or [n for n in range(len(lines), 0, -1) if lines[n - 1].strip()][:1]
