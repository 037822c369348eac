from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Result:
    """What one benchmark measured: `rows` to print, `report` as JSON, and in `missed` each bar that was not met."""

    rows: tuple[str, ...]
    report: dict[str, Any]
    missed: tuple[str, ...] = field(default_factory=tuple)
