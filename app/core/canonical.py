"""Canonical JSON and its sha256, for fingerprints and audit records alike: sorted keys, no blanks."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


def canonical(value: Any) -> bytes:
    """The one byte form of `value`. Times become UTC with microseconds; NaN raises ValueError."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
    ).encode()


def sha256(value: Any) -> str:
    """Hex digest of `canonical(value)`, or of bytes as they are."""
    return hashlib.sha256(value if isinstance(value, bytes) else canonical(value)).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date | UUID | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
