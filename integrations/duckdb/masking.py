"""Cells and rows as a person may see them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

MASK = "•••"
_EMAIL = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")
_SECRET_NAME = re.compile(r"passw|secret|token|api_?key|credential|iban|card_?num|ssn", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"\b(?:sk|pk|ghp|xox[abp]|AKIA)[-_A-Za-z0-9]{12,}")


def plain(value: Any) -> Any:
    """A cell as JSON: exact numbers as text, times as ISO 8601, what cannot be shown as None."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, timedelta)):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.hex() if isinstance(value, bytes) else str(value)


def masked(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for a person to see: e-mail addresses and what looks like a secret are covered."""
    return {
        name: MASK if _SECRET_NAME.search(name) and value is not None else _cover(plain(value))
        for name, value in row.items()
    }


def _cover(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return _SECRET_VALUE.sub(MASK, _EMAIL.sub(rf"{MASK}@\1", value))
