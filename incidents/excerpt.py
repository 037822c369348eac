"""The decisive lines of a log with their neighbours: the first cause before the last symptom. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from incidents.signatures import Match
from integrations.values import Json

AROUND = 3  # lines before and after a decisive one
DECISIVE = 8  # decisive lines at most; the first ones are nearest the cause
TEXT_LIMIT = 500  # characters of a line that are shown
WORDS = ("error", "exception", "failed", "fatal", "denied", "traceback")


def excerpt(lines: Sequence[str], matches: Sequence[Match]) -> list[Json]:
    """`[{"n", "text", "hit"}]`; without a known signature, the first lines that speak of an error, else the end."""
    hits = [match.line for match in matches[:DECISIVE]] or _suspicious(lines)
    shown = {n for hit in hits for n in range(max(1, hit - AROUND), min(len(lines), hit + AROUND) + 1)}
    return [{"n": n, "text": lines[n - 1][:TEXT_LIMIT], "hit": n in hits} for n in sorted(shown)]


def _suspicious(lines: Sequence[str]) -> list[int]:
    found = [n for n, line in enumerate(lines, 1) if any(word in line.lower() for word in WORDS)]
    return found[:DECISIVE] or [n for n in range(len(lines), 0, -1) if lines[n - 1].strip()][:1]
