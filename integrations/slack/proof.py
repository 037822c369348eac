"""Whether Slack sent this: HMAC over the raw bytes and a stamp of our own last five minutes (formats.md section 12)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

WINDOW_S = 300  # seconds that a stamp may be off, either way, by our clock
STAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)


def proven(secrets: Iterable[str], *, stamp: str, signature: str, body: bytes, now: float) -> bool:
    """True only where one of `secrets` signed exactly these bytes, now. An empty secret signs nothing."""
    if not STAMP.fullmatch(stamp) or not SIGNATURE.fullmatch(signature) or abs(now - int(stamp)) > WINDOW_S:
        return False
    base = b"v0:" + stamp.encode() + b":" + body
    wanted = [hmac.new(secret.encode(), base, hashlib.sha256).hexdigest() for secret in secrets if secret]
    return any(hmac.compare_digest(f"v0={one}", signature) for one in wanted)
