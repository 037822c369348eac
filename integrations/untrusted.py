"""Read values that somebody else sent: the wrong type reads as empty, never as an error."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from integrations.values import COMMENT_LIMIT, Environment, Json

# First part of a name of an environment that is not production.
REHEARSALS = {
    "staging",
    "stage",
    "stg",
    "dev",
    "development",
    "test",
    "testing",
    "qa",
    "ci",
    "sandbox",
    "preview",
    "uat",
}


def mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def text(value: Any, limit: int = 4000) -> str:
    """The start of a text; numbers count as text, everything else as empty."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)[:limit]


def comment(value: Any) -> str:
    """What somebody wrote about a column, at most COMMENT_LIMIT characters.

    Cut between words, because half of a secret is not recognised as one when it is covered later.
    """
    said = text(value, COMMENT_LIMIT + 1)
    return said if len(said) <= COMMENT_LIMIT else f"{said.rpartition(' ')[0].rstrip()} …"


def number(value: Any) -> int | None:
    try:
        return None if isinstance(value, bool) else int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


def moment(value: Any) -> datetime | None:
    """An aware UTC time from ISO 8601; a time without a zone is read as UTC."""
    try:
        at = datetime.fromisoformat(text(value))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def environment(value: Any) -> Environment:
    """Production, unless the name begins with a word for something else: `staging-eu`, `dev_2`."""
    first = text(value).lower().replace("_", "-").split("-")[0]
    return "staging" if first in REHEARSALS else "production"


def without_credentials(uri: str) -> str:
    """The address without user, password, query and fragment."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return uri.split("?")[0].rsplit("@", 1)[-1]
    host = parts.netloc.rsplit("@", 1)[-1]
    if not parts.scheme or "://" not in uri:
        return uri
    return f"{parts.scheme}://{host}{parts.path}".rstrip("/") or uri
