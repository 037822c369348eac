"""OpenID Connect: the organisation's own sign-in. One provider, from the environment; authorization code with PKCE.

Who comes in is ours to say: an identity that was linked, or an invited person whose e-mail address the provider has
verified, of a domain that is allowed. Roles never come from there.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote_plus, urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from django.conf import settings
from django.core.cache import cache
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from app.core.errors import NotAllowed
from app.core.models import Identity, User

SCOPE = "openid email profile"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"]  # no secrets
TIMEOUT_S = 5.0  # seconds a provider may take for one answer
KNOWN_S = 300  # seconds that its description and its keys are kept
LEEWAY_S = 60  # seconds that its clock may differ
LONGEST = 512 * 1024  # bytes of an answer
BASIC = "client_secret_basic"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Refused(NotAllowed):
    """The organisation's sign-in did not say who you are."""


@dataclass(frozen=True)
class Provider:
    """`issuer` as the provider names itself; `domains` of e-mail addresses, in lower case, empty for none."""

    issuer: str
    client_id: str
    secret: str
    label: str
    domains: tuple[str, ...]


@dataclass(frozen=True)
class Leaving:
    """What one sign-in keeps in the session between leaving and coming back. `max_age` asks for it anew."""

    state: str
    nonce: str
    verifier: str
    anew: bool


@dataclass(frozen=True)
class Claims:
    """What the provider says, checked. `mfa`: it saw a second factor (`amr`). `auth_time`: seconds since 1970."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    mfa: bool
    auth_time: float | None


def provider() -> Provider | None:
    """None where the environment names none."""
    if not (settings.OIDC_ISSUER and settings.OIDC_CLIENT_ID):
        return None
    domains = tuple(domain.lower() for domain in settings.OIDC_DOMAINS)
    return Provider(
        settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET, settings.OIDC_LABEL, domains
    )


def identity_of(user: User) -> Identity | None:
    return Identity.objects.filter(user=user, issuer=settings.OIDC_ISSUER).first() if settings.OIDC_ISSUER else None


def leave(of: Provider, *, back: str, anew: bool = False) -> tuple[str, Leaving]:
    """Where to go, and what to keep. `anew` asks for a sign-in of now, not one that the provider remembers."""
    kept = Leaving(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), anew)
    asked = {
        "response_type": "code",
        "client_id": of.client_id,
        "redirect_uri": back,
        "scope": SCOPE,
        "state": kept.state,
        "nonce": kept.nonce,
        "code_challenge": create_s256_code_challenge(kept.verifier),
        "code_challenge_method": "S256",
        **({"max_age": "0", "prompt": "login"} if anew else {}),
    }
    url = add_params_to_uri(_endpoint(of, "authorization_endpoint"), asked.items())
    return url, kept


def come_back(of: Provider, kept: Leaving, *, code: str, back: str) -> Claims:
    """Exchange the code and check what comes for it: signature, issuer, audience, nonce, age. Raises Refused."""
    try:
        token = _exchange(of, kept, code, back)
        claims = _checked(of, kept, token)
        told = claims if claims.get("email") else {**_userinfo(of, token, claims["sub"]), **claims}
    except (AuthlibBaseError, JoseError, httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{of.label} did not say who you are ({error.__class__.__name__}). Try again.") from error
    auth_time = claims.get("auth_time")
    return Claims(
        of.issuer,
        str(claims["sub"]),
        str(told.get("email") or ""),
        told.get("email_verified") is True,
        "mfa" in (claims.get("amr") or []),
        float(auth_time) if isinstance(auth_time, int | float) else None,
    )


def _exchange(of: Provider, kept: Leaving, code: str, back: str) -> dict[str, Any]:
    """The tokens for the code. The client says who it is in the way that the provider knows (RFC 6749, 2.3.1)."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": kept.verifier}
    known = _described(of).get("token_endpoint_auth_methods_supported") or [BASIC]
    auth = (quote_plus(of.client_id), quote_plus(of.secret)) if BASIC in known else None
    if auth is None:
        form |= {"client_id": of.client_id, "client_secret": of.secret}
    return _ask("POST", _endpoint(of, "token_endpoint"), data=form, auth=auth)


def _checked(of: Provider, kept: Leaving, token: dict[str, Any]) -> dict[str, Any]:
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    keys = KeySet.import_key_set(_known(of, "keys", _endpoint(of, "jwks_uri")))
    try:
        signed = jwt.decode(token["id_token"], keys, registry=registry)
    except JoseError:  # the provider may have new keys
        fresh = KeySet.import_key_set(_known(of, "keys", _endpoint(of, "jwks_uri"), again=True))
        signed = jwt.decode(token["id_token"], fresh, registry=registry)
    options = {"iss": {"essential": True, "value": of.issuer}, "aud": {"essential": True, "value": of.client_id}}
    params = {"nonce": kept.nonce, "client_id": of.client_id, "access_token": token.get("access_token")}
    claims = CodeIDToken(signed.claims, signed.header, options, params)
    claims.validate(leeway=LEEWAY_S)
    if not claims.get("sub"):
        raise ValueError("no subject")
    return dict(claims)


def _userinfo(of: Provider, token: dict[str, Any], subject: str) -> dict[str, Any]:
    """The claims beside the token, where the provider has them and they are about the same person."""
    if "userinfo_endpoint" not in _described(of):
        return {}
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    said = _ask("GET", _endpoint(of, "userinfo_endpoint"), headers=bearer)
    if said.get("sub") != subject:
        raise ValueError("the user info is about somebody else")
    return said


def _described(of: Provider) -> dict[str, Any]:
    """OpenID Connect Discovery 1.0, section 4. Raises Refused where it calls itself something else."""
    try:
        said = _known(of, "described", f"{of.issuer.rstrip('/')}/.well-known/openid-configuration")
    except (httpx.HTTPError, ValueError) as error:
        raise Refused(f"{of.label} cannot be reached. Try again, or sign in with your password.") from error
    if said.get("issuer") != of.issuer:
        raise Refused(f"{of.label} calls itself something else than COUNTERSIGN_OIDC_ISSUER.")
    return cast(dict[str, Any], said)


def _endpoint(of: Provider, name: str) -> str:
    return _safe(str(_described(of).get(name, "")))


def _known(of: Provider, what: str, url: str, *, again: bool = False) -> Any:
    key = f"oidc:{what}:{of.issuer}"
    said = None if again else cache.get(key)
    if said is None:
        said = _ask("GET", url)
        cache.set(key, said, KNOWN_S)
    return said


def _ask(method: str, url: str, **how: Any) -> dict[str, Any]:
    """One answer in JSON. Raises httpx.HTTPError, and ValueError for one that is too long or no object."""
    with (
        httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client,
        client.stream(method, _safe(url), **how) as answer,
    ):
        answer.raise_for_status()
        body = b""
        for part in answer.iter_bytes():
            body += part
            if len(body) > LONGEST:
                raise ValueError("too long")
    said = json.loads(body)
    if not isinstance(said, dict):
        raise ValueError("no object")
    return said


def _safe(url: str) -> str:
    """Encrypted, or on this machine. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url
    raise ValueError("an address of the provider is not https")
