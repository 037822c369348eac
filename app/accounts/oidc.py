"""OpenID Connect: the organisation's own sign-in. One provider, from the environment; authorization code with PKCE.

Who comes in is ours to say: an identity that was linked, or an invited person whose e-mail address the provider has
verified, of a domain that is allowed. Roles never come from there.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
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
    more = {"max_age": "0", "prompt": "login"} if anew else {}
    with _client(of, back) as client:
        url, _ = client.create_authorization_url(
            _endpoint(of, "authorization_endpoint"),
            state=kept.state,
            nonce=kept.nonce,
            code_verifier=kept.verifier,
            **more,
        )
    return url, kept


def come_back(of: Provider, kept: Leaving, *, code: str, back: str) -> Claims:
    """Exchange the code and check what comes for it: signature, issuer, audience, nonce, age. Raises Refused."""
    try:
        with _client(of, back) as client:
            token = client.fetch_token(_endpoint(of, "token_endpoint"), code=code, code_verifier=kept.verifier)
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
    said = _get(_endpoint(of, "userinfo_endpoint"), {"Authorization": f"Bearer {token['access_token']}"})
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
        said = _get(url, {})
        cache.set(key, said, KNOWN_S)
    return said


def _get(url: str, headers: dict[str, str]) -> dict[str, Any]:
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client:
        answer = client.get(_safe(url), headers=headers)
        answer.raise_for_status()
        said = answer.json() if len(answer.content) <= LONGEST else None
    if not isinstance(said, dict):
        raise ValueError("not an object")
    return said


def _safe(url: str) -> str:
    """Encrypted, or on this machine. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return url
    raise ValueError("an address of the provider is not https")


def _client(of: Provider, back: str) -> OAuth2Client:
    known = _described(of).get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    method = "client_secret_basic" if "client_secret_basic" in known else "client_secret_post"
    return OAuth2Client(
        of.client_id,
        of.secret,
        scope=SCOPE,
        redirect_uri=back,
        code_challenge_method="S256",
        token_endpoint_auth_method=method,
        timeout=TIMEOUT_S,
        follow_redirects=False,
    )
