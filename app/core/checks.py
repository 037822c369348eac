"""System checks: what is wrong with the settings, and what to do. `manage.py check` prints them, each with its id."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

MADE = "`manage.py up` makes one; elsewhere set {name} or {name}_FILE."


@register()
def keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Every key that a process of ours cannot do without."""
    found: list[CheckMessage] = []
    needed = {
        "E001": ("COUNTERSIGN_AUDIT_KEY", settings.AUDIT_KEY, "Audit records could be forged"),
        "E002": ("COUNTERSIGN_GATEWAY_KEY", settings.GATEWAY_KEY, "Grants of the gateway could be forged"),
        "E003": ("COUNTERSIGN_VAULT_PUBLIC_KEY", settings.VAULT_PUBLIC_KEY, "No secret can be sealed"),
    }
    for number, (name, value, harm) in needed.items():
        if not value and not settings.DEBUG:
            found.append(Error(f"{name} is not set. {harm}.", hint=MADE.format(name=name), id=f"countersign.{number}"))
    if settings.SECRET_KEY.startswith("insecure") and not settings.DEBUG:
        hint = MADE.format(name="COUNTERSIGN_SECRET_KEY")
        found.append(Error("COUNTERSIGN_SECRET_KEY is not set.", hint=hint, id="countersign.E004"))
    return found


@register()
def leases(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A heartbeat that comes later than the lease ends lets two workers hold one row."""
    if settings.HEARTBEAT_S * 2 > settings.LEASE_S:
        hint = "Set COUNTERSIGN_LEASE_S to at least twice COUNTERSIGN_HEARTBEAT_S."
        return [Error("The lease ends before its second heartbeat.", hint=hint, id="countersign.E005")]
    return []


@register()
def organisation(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The organisation's own sign-in is whole, and its answers cannot be read on the way."""
    issuer = settings.OIDC_ISSUER
    if not issuer:
        return []
    found: list[CheckMessage] = []
    if not (settings.OIDC_CLIENT_ID and settings.OIDC_CLIENT_SECRET):
        hint = "Set COUNTERSIGN_OIDC_CLIENT_ID and COUNTERSIGN_OIDC_CLIENT_SECRET too, or none of them."
        found.append(Error("COUNTERSIGN_OIDC_ISSUER is set without its client.", hint=hint, id="countersign.E006"))
    if not issuer.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        hint = "Give the address as the provider names itself, with https."
        found.append(Error("COUNTERSIGN_OIDC_ISSUER is not https.", hint=hint, id="countersign.E007"))
    return found


@register(deploy=True)
def people_reach_it_safely(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Outside of one machine, sessions must not travel in clear."""
    if settings.HTTPS or settings.URL.startswith(("http://127.0.0.1", "http://localhost")):
        return []
    hint = "Put a proxy with TLS in front and set COUNTERSIGN_URL=https://…"
    return [Warning("COUNTERSIGN_URL is not https.", hint=hint, id="countersign.W001")]
