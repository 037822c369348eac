"""The secret scan, both ways: values of the vault and whatever looks like a secret are covered in what passes."""

from __future__ import annotations

import threading
import time
from typing import Any

from app.core.audit import storable
from app.core.redact import MASK, redact
from integrations import vault
from integrations.errors import SecretUnavailable
from integrations.models import Credential

LEAST = 6  # characters: a shorter value would cover half of every log
KEPT_S = 30.0  # seconds for which opened values stay in memory, so that not every call opens the vault

_lock = threading.Lock()
_opened: tuple[float, tuple[str, ...]] = (0.0, ())


def covered(value: Any) -> tuple[Any, int]:
    """The same JSON with secrets covered in every text and key, and how many texts held one.

    What the database cannot keep is replaced on the way: NUL, half a surrogate, a number that is none.
    """
    return _walk(value, _values())


def forget() -> None:
    """Open the vault anew at the next call: for tests, and after a key was changed."""
    global _opened
    _opened = (0.0, ())


def _walk(value: Any, secrets: tuple[str, ...]) -> tuple[Any, int]:
    if isinstance(value, str):
        kept = storable(value)
        text = _text(kept, secrets)
        return text, int(text != kept)
    if isinstance(value, dict):
        pairs = [(_walk(str(key), secrets), _walk(part, secrets)) for key, part in value.items()]
        return {key[0]: part[0] for key, part in pairs}, sum(key[1] + part[1] for key, part in pairs)
    if isinstance(value, list | tuple):
        parts = [_walk(part, secrets) for part in value]
        return [part for part, _ in parts], sum(count for _, count in parts)
    return storable(value), 0


def _text(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    return redact(text)


def _values() -> tuple[str, ...]:
    """Every secret that this process can open, the longest first, and the parts of an address that are one."""
    global _opened
    with _lock:
        if time.monotonic() - _opened[0] > KEPT_S:
            found: set[str] = set()
            for entry in Credential.objects.select_related("connection"):
                try:
                    value = vault.get(entry.connection, entry.name)
                except SecretUnavailable:
                    continue  # what cannot be opened cannot have been read either
                found |= {value, *value.splitlines(), _password(value)}
            ordered = sorted((one for one in found if len(one) >= LEAST), key=len, reverse=True)
            _opened = (time.monotonic(), tuple(ordered))
        return _opened[1]


def _password(address: str) -> str:
    """That of `scheme://user:password@host`."""
    _, found, rest = address.partition("://")
    user, at, _ = rest.rpartition("@")
    return user.partition(":")[2] if found and at else ""
