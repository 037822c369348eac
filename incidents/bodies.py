"""Read a hostile body: bounded before it is touched and when unpacked, and without what a database refuses."""

from __future__ import annotations

import json
import math
import re
import zlib
from typing import Any, NoReturn

from app.core.errors import CountersignError
from integrations.values import Json

DEPTH = 64  # levels of nesting; OpenLineage needs 12
_REFUSED_TEXT = re.compile(rb"\\u0000|\\ud[89a-f]", re.I)  # PostgreSQL keeps neither NUL nor half a surrogate
_GZIP = b"\x1f\x8b"


class TooLarge(CountersignError):
    """The body is too large."""

    status, code = 413, "too_large"


class Unreadable(CountersignError):
    """The body cannot be read."""

    status, code = 400, "unreadable"


def unpack(raw: bytes, limit: int) -> bytes:
    """The body, inflated when it is gzip. Raises TooLarge before more than `limit` bytes are made."""
    if not raw.startswith(_GZIP):
        return raw
    inflater = zlib.decompressobj(wbits=31)
    try:
        body = inflater.decompress(raw, limit)
    except zlib.error:
        raise Unreadable("The body begins like gzip and cannot be unpacked. Send it whole, or as plain JSON.") from None
    if inflater.unconsumed_tail:
        raise too_large(limit)
    return body


def read_object(body: bytes) -> Json:
    """A JSON object. Raises Unreadable, saying where, for anything else, for NaN and for deep nesting."""
    try:
        value = json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise _deep() from None
    except (ValueError, UnicodeDecodeError) as error:
        raise Unreadable(f"The body is not JSON: {str(error)[:200]}. Send one JSON object in UTF-8.") from None
    if not isinstance(value, dict):
        raise Unreadable("The body is JSON, and not an object. Send one object per request.")
    _check_depth(value)
    return _clean(value) if _REFUSED_TEXT.search(body) else value


def too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit:,} bytes. Send less at once: cut logs, and one event per request.")


def clean_text(text: str) -> str:
    return text.replace("\x00", "").encode(errors="replace").decode()


def _check_depth(value: Any) -> None:
    """Level by level, because a recursive check would itself be too deep."""
    level = [value]
    for _ in range(DEPTH):
        inner = [part for part in level if isinstance(part, dict | list)]
        level = [item for part in inner for item in (part.values() if isinstance(part, dict) else part)]
        if not level:
            return
    raise _deep()


def _deep() -> Unreadable:
    return Unreadable(f"The body nests deeper than {DEPTH} levels. Send a flatter one.")


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(key): _clean(item) for key, item in value.items()}
    return value


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number
