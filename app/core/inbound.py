"""The inbound ring: secrets that the web process must read. The first key seals, each of them opens."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from app.core.errors import CountersignError


class RingUnavailable(CountersignError):
    """The inbound keys are missing, or not those that sealed this. Restore them, or set it up again."""

    status, code = 503, "inbound_keys"


def seal(text: str) -> str:
    return _ring().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises RingUnavailable when none of the keys fits."""
    try:
        return _ring().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise RingUnavailable() from error


def _ring() -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in settings.INBOUND_KEYS])
    except ValueError as error:
        raise RingUnavailable() from error
