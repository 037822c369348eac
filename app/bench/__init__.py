"""How fast the product is at the size of years; each benchmark says which of its bars it missed."""

from __future__ import annotations

from collections.abc import Callable

from app.bench import pages, recall, triage
from app.bench.result import Result

# Name to what it measures and the size that the bars are about.
BENCHMARKS: dict[str, tuple[Callable[[int], Result], int, str]] = {
    "pages": (pages.bench, 100_000, "p95 of each page, and whether its queries grow; the size is incidents"),
    "recall": (recall.bench, 20_000, "whether the right note comes first, and how fast; the size is notes"),
    "triage": (triage.bench, 1000, "a log to its decisive lines; the size is megabytes"),
}
