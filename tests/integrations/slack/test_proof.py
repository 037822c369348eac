"""Bar 10: at least sixty ways to be, or to pose as, Slack; each ends as specified."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from integrations.slack.proof import proven

NOW = 1_763_660_000.0
SECRET, BEFORE, OTHER = "8f742231b10e8888abcd99yyyzzz85a5", "0a0b0c0d0e0f000102030405060708", "not-slacks"
PAYLOAD = '{"type":"block_actions","actions":[{"action_id":"approve","value":"n_1"}],"name":"Zoë <!channel>"}'
BODY = urlencode({"payload": PAYLOAD, "other": "1 2"}).encode()
STAMP = str(int(NOW))


def sign(secret: str = SECRET, stamp: str = STAMP, body: bytes = BODY, version: str = "v0") -> str:
    base = version.encode() + b":" + stamp.encode() + b":" + body
    return f"{version}=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


GOOD = sign()
DIGEST = GOOD.removeprefix("v0=")


def vector(name: str, good: bool = False, secrets: tuple[str, ...] = (SECRET,), **said: Any) -> Any:
    sent = {"stamp": STAMP, "signature": GOOD, "body": BODY, "now": NOW, **said}
    return pytest.param(good, secrets, sent, id=name)


def at(offset: float, good: bool) -> Any:
    stamp = str(int(NOW + offset))
    return vector(f"stamp {offset:+g} s", good, stamp=stamp, signature=sign(stamp=stamp))


def stamped(name: str, stamp: str) -> Any:
    """Signed over this very stamp: only its form is wrong."""
    return vector(f"stamp {name}", stamp=stamp, signature=sign(stamp=stamp))


VECTORS = [
    vector("as Slack sends it", True),
    vector("an empty body, signed", True, body=b"", signature=sign(body=b"")),
    vector("bytes that are no text, signed", True, body=b"\xff\x00\xfe", signature=sign(body=b"\xff\x00\xfe")),
    vector("a megabyte, signed", True, body=b"x" * 10**6, signature=sign(body=b"x" * 10**6)),
    # secrets
    vector("the one before, in rotation", True, (SECRET, BEFORE), signature=sign(BEFORE)),
    vector("the new one, in rotation", True, (SECRET, BEFORE)),
    vector("the one before, retired", secrets=(SECRET,), signature=sign(BEFORE)),
    vector("another secret", signature=sign(OTHER)),
    vector("no secret at all", secrets=()),
    vector("an empty secret", secrets=("",), signature=sign("")),
    vector("two empty secrets", secrets=("", ""), signature=sign("")),
    vector("signed with an empty secret", signature=sign("")),
    vector("an empty secret beside the right one", True, ("", SECRET)),
    vector("secret with a space", signature=sign(f"{SECRET} ")),
    vector("secret in capitals", signature=sign(SECRET.upper())),
    vector("half of the secret", signature=sign(SECRET[:16])),
    # the body
    vector("one byte more", body=BODY + b"&"),
    vector("one byte less", body=BODY[:-1]),
    vector("one bit flipped", body=bytes([BODY[0] ^ 1]) + BODY[1:]),
    vector("empty in place of signed", body=b""),
    vector("re-encoded with %20", body=BODY.replace(b"+", b"%20")),
    vector("percent in small letters", body=BODY.replace(b"%7B", b"%7b")),
    vector("decoded", body=b"payload=" + PAYLOAD.encode()),
    vector("parsed and written again", body=urlencode({k: v[0] for k, v in parse_qs(BODY.decode()).items()})
           .replace("+", "%20").encode()),
    vector("fields in another order", body=b"&".join(reversed(BODY.split(b"&")))),
    vector("a field twice", body=BODY + b"&payload=%7B%7D"),
    vector("a line end after it", body=BODY + b"\n"),
    vector("carriage returns", body=BODY.replace(b"&", b"\r\n&")),
    vector("a byte order mark", body=b"\xef\xbb\xbf" + BODY),
    vector("in UTF-16", body=BODY.decode().encode("utf-16")),
    vector("the payload alone", body=PAYLOAD.encode()),
    vector("another verb", body=BODY.replace(b"approve", b"reject")),
    vector("another nonce", body=BODY.replace(b"n_1", b"n_2")),
    vector("NUL bytes", body=BODY + b"\0"),
    # the stamp
    *[at(offset, True) for offset in (0, -1, 1, -299, 299, -300, 300)],
    *[at(offset, False) for offset in (-301, 301, -302, 302, -3600, 3600, -86_400, 86_400 * 365)],
    vector("another stamp than signed", stamp=str(int(NOW) - 1)),
    vector("no stamp", stamp=""),
    stamped("empty, signed", ""),
    stamped("negative", f"-{STAMP}"),
    stamped("with a plus", f"+{STAMP}"),
    stamped("with a fraction", f"{STAMP}.0"),
    stamped("in hex", hex(int(NOW))),
    stamped("in exponents", "1.76366e9"),
    stamped("with spaces", f" {STAMP} "),
    stamped("with a line end", f"{STAMP}\n"),
    stamped("with underscores", f"{STAMP[:4]}_{STAMP[4:]}"),
    stamped("in other digits", STAMP.translate({ord("0") + n: 0x0660 + n for n in range(10)})),
    stamped("in full-width digits", STAMP.translate({ord("0") + n: 0xFF10 + n for n in range(10)})),
    stamped("in milliseconds", f"{STAMP}000"),
    stamped("as a word", "now"),
    stamped("not a number", "nan"),
    stamped("without end", "inf"),
    stamped("of a thousand digits", "9" * 1000),
    stamped("twice", f"{STAMP},{STAMP}"),
    stamped("of the epoch", "0"),
    # the signature
    vector("none", signature=""),
    vector("of version 1", signature=sign(version="v1")),
    vector("renamed to version 1", signature=f"v1={DIGEST}"),
    vector("of version 00", signature=f"v00={DIGEST}"),
    vector("V0 in capitals", signature=f"V0={DIGEST}"),
    vector("without a version", signature=DIGEST),
    vector("hex in capitals", signature=f"v0={DIGEST.upper()}"),
    vector("a digit short", signature=GOOD[:-1]),
    vector("a digit long", signature=f"{GOOD}0"),
    vector("the last digit changed", signature=GOOD[:-1] + ("0" if GOOD[-1] != "0" else "1")),
    vector("with a space", signature=f" {GOOD}"),
    vector("with a line end", signature=f"{GOOD}\n"),
    vector("two of them, the second good", signature=f"v0={'0' * 64},{GOOD}"),
    vector("two of them, the first good", signature=f"{GOOD},v0={'0' * 64}"),
    vector("all zeros", signature=f"v0={'0' * 64}"),
    vector("the word alone", signature="v0="),
    vector("letters that look alike", signature=GOOD.replace("a", "а").replace("e", "е")),
    vector("of another body", signature=sign(body=b"payload=%7B%7D")),
    vector("of the body alone", signature="v0=" + hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()),
    vector("sha1", signature="v0=" + hmac.new(SECRET.encode(), b"v0:" + BODY, hashlib.sha1).hexdigest()),
    vector("of a plain hash", signature="v0=" + hashlib.sha256(BODY).hexdigest()),
    vector("stamp and body run together", signature="v0=" + hmac.new(
        SECRET.encode(), b"v0:" + STAMP.encode() + BODY, hashlib.sha256).hexdigest()),
]  # fmt: skip


@pytest.mark.parametrize(("good", "secrets", "said"), VECTORS)
def test_only_what_slack_signed_now_is_let_in(good: bool, secrets: tuple[str, ...], said: dict[str, Any]) -> None:
    assert proven(secrets, **said) is good


def test_there_are_as_many_vectors_as_the_bar_wants() -> None:
    assert len({one.id for one in VECTORS}) == len(VECTORS) >= 60


def test_the_clock_is_ours() -> None:
    stamp = str(int(time.time()))
    signed = sign(stamp=stamp)
    assert proven((SECRET,), stamp=stamp, signature=signed, body=BODY, now=time.time())
    assert not proven((SECRET,), stamp=stamp, signature=signed, body=BODY, now=time.time() + 302)
