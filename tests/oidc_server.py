"""An OpenID provider in this process: discovery, authorization, token, user info and keys, with real RS256 signatures.

`provider.says` changes what the next token claims, so that each way of lying can be tried.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

CLIENT, SECRET = "countersign", "the client's secret"


@cache
def keys() -> tuple[RSAKey, RSAKey]:
    """Its own, and somebody else's of the same name; once, because making them takes time."""
    named = {"kid": "one", "use": "sig", "alg": "RS256"}
    return RSAKey.generate_key(2048, named), RSAKey.generate_key(2048, named)


class Provider:
    """One provider. `person` is who is signed in there; `auth_time` when they last were asked."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key, self.stranger = keys()
        self.person: dict[str, Any] = {"sub": "s-1", "email": "ana@example.com", "email_verified": True}
        self.says: dict[str, Any] = {}
        self.lacks: set[str] = set()
        self.alg, self.foreign, self.remembers_s = "RS256", False, 0
        self.described: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.seen: list[dict[str, str]] = []

    def discovery(self) -> dict[str, Any]:
        ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        known = {name: f"{self.issuer}/{path}" for name, path in ends.items()}
        known["userinfo_endpoint"] = f"{self.issuer}/userinfo"
        return {"issuer": self.issuer, "id_token_signing_alg_values_supported": ["RS256"], **known, **self.described}

    def authorize(self, asked: dict[str, str]) -> str:
        """The address to which somebody who is signed in there is sent back."""
        self.seen.append(asked)
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, sent: dict[str, str], basic: str) -> dict[str, Any] | None:
        """None for a wrong client, a used code, or a verifier that does not fit the challenge (RFC 7636)."""
        asked = self.codes.pop(sent.get("code", ""), None)
        wanted = base64.b64encode(f"{CLIENT}:{quote_plus(SECRET)}".encode()).decode()
        if asked is None or basic != wanted or sent.get("redirect_uri") != asked["redirect_uri"]:
            return None
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return None
        return {"access_token": "at", "token_type": "Bearer", "expires_in": 60, "id_token": self._signed(asked)}

    def _signed(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims |= {"auth_time": now - self.remembers_s, **self.person, **self.says}
        claims = {name: value for name, value in claims.items() if name not in self.lacks}
        if self.alg in {"none", "HS256"}:
            return self._forged(claims)
        key = self.stranger if self.foreign else self.key
        header = {"alg": self.alg, "kid": "one"}
        return jwt.encode(header, claims, key, registry=JWSRegistry(algorithms=[self.alg]))

    def _forged(self, claims: dict[str, Any]) -> str:
        """By hand, because no library does it: no signature at all, or the public key as the secret of an HMAC."""
        parts = [json.dumps(part).encode() for part in ({"alg": self.alg, "kid": "one"}, claims)]
        body = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        mac = hmac.digest(self.key.as_pem(private=False), body, "sha256") if self.alg == "HS256" else b""
        return f"{body.decode()}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


class Door(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        path, asked = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        match path:
            case "/.well-known/openid-configuration":
                self._answer(200, self.provider.discovery())
            case "/keys":
                self._answer(200, {"keys": [self.provider.key.as_dict(private=False)]})
            case "/userinfo":
                self._answer(200, self.provider.userinfo or self.provider.person)
            case "/authorize":
                self.send_response(302)
                self.send_header("Location", self.provider.authorize({name: value[0] for name, value in asked.items()}))
                self.end_headers()
            case _:
                self._answer(404, {})

    def do_POST(self) -> None:
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        basic = self.headers.get("Authorization", "").removeprefix("Basic ")
        given = self.provider.token({name: value[0] for name, value in sent.items()}, basic)
        self._answer(200 if given else 400, given or {"error": "invalid_grant"})

    def _answer(self, status: int, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def oidc_provider() -> Iterator[Provider]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    made = Provider(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = type("OneDoor", (Door,), {"provider": made})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
