"""Which models there are, and their bounds: the connection of kind `model`, and of kind `embedding` one for vectors.

COUNTERSIGN_MODEL names another model of the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit

from django.conf import settings

from app.core.errors import Invalid
from integrations.addresses import is_forbidden
from integrations.models import Connection
from integrations.values import Json

KIND, EMBEDDING = "model", "embedding"
ANTHROPIC = "anthropic"  # the one provider that does not speak OpenAI's language
MILLION = 1_000_000
SEVERITIES = ("low", "info", "warning", "high", "critical")
# Where each provider is reached; all but `anthropic` speak OpenAI's language.
ADDRESSES = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "google_genai": "https://generativelanguage.googleapis.com/v1beta/openai",
    "mistralai": "https://api.mistral.ai/v1",
    "groq": "https://api.groq.com/openai/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "xai": "https://api.x.ai/v1",
    "together": "https://api.together.xyz/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "ollama": "http://127.0.0.1:11434/v1",
}


@dataclass(frozen=True)
class ModelConfig:
    """Money is US dollars, as providers bill it."""

    # Name of the connection, under which the key is in the vault.
    connection: str
    provider: str
    model: str
    # Without a slash at its end.
    base_url: str
    # For a million tokens.
    price_in: Decimal
    price_out: Decimal
    # For one incident, in any 24 hours.
    calls: int
    tokens: int
    seconds: int
    per_incident: Decimal
    # In any 24 hours, altogether and for the incidents of one connection.
    per_day: Decimal
    per_connection: Decimal
    # Between two looks at the same incident, unless a person asks.
    cooldown_min: int
    # Incidents below it are left to the rules.
    floor: str
    kind: str = KIND
    # Of a model for vectors: from which closeness, 0 to 1, two texts mean something alike.
    least: float = 0.0

    @property
    def label(self) -> str:
        return f"{self.provider}:{self.model}"

    @property
    def address(self) -> str:
        return self.base_url or ADDRESSES.get(self.provider, ADDRESSES["openai"])

    def cost(self, tokens_in: int, tokens_out: int) -> Decimal:
        return (self.price_in * tokens_in + self.price_out * tokens_out) / MILLION

    def reaches(self, severity: str) -> bool:
        return severity not in SEVERITIES or SEVERITIES.index(severity) >= SEVERITIES.index(self.floor)


DEFAULTS = {
    "price_in": "1.00", "price_out": "5.00", "calls": "12", "tokens": "60000", "seconds": "120",
    "per_incident": "0.05", "per_day": "5.00", "per_connection": "2.00", "cooldown_min": "30", "floor": "warning",
    "least": "0.5",
}  # fmt: skip


def current() -> ModelConfig | None:
    """None where no model is configured. Raises Invalid where what is configured cannot be read."""
    row = Connection.objects.filter(kind=KIND, enabled=True).order_by("pk").first()
    provider, _, model = settings.MODEL.partition(":")
    if settings.MODEL and not model:
        raise Invalid("COUNTERSIGN_MODEL must read provider:name, for example openai:gpt-5-mini.")
    if row is None and not model:
        return None
    return read(row.name if row else KIND, row.config if row else {}, provider, model)


def embedding() -> ModelConfig | None:
    """The model that makes vectors; None where none is configured. Raises Invalid like `current`."""
    row = Connection.objects.filter(kind=EMBEDDING, enabled=True).order_by("pk").first()
    return read(row.name, row.config, kind=EMBEDDING) if row else None


def read(connection: str, config: Json, provider: str = "", model: str = "", *, kind: str = KIND) -> ModelConfig:
    """Raises Invalid, naming the field that cannot be read."""
    values = {**DEFAULTS, **{name: str(value) for name, value in config.items() if value not in ("", None)}}
    provider, model = provider or values.get("provider", ""), model or values.get("model", "")
    base_url = values.get("base_url", "").rstrip("/")
    if not model or not (base_url or provider in ADDRESSES):
        raise Invalid(
            f"Name a model, and one of {', '.join(ADDRESSES)} or the address of a server that speaks OpenAI's."
        )
    if base_url:
        _check(base_url)
    if kind == EMBEDDING and provider == ANTHROPIC:
        raise Invalid("Anthropic makes no vectors. Name another provider, or the address of a local server.")
    if values["floor"] not in SEVERITIES:
        raise Invalid(f"The least severity is one of {', '.join(SEVERITIES)}.")
    return ModelConfig(
        connection=connection,
        provider=provider,
        model=model,
        base_url=base_url,
        price_in=_money(values, "price_in"),
        price_out=_money(values, "price_out"),
        calls=_whole(values, "calls"),
        tokens=_whole(values, "tokens"),
        seconds=_whole(values, "seconds"),
        per_incident=_money(values, "per_incident"),
        per_day=_money(values, "per_day"),
        per_connection=_money(values, "per_connection"),
        cooldown_min=_whole(values, "cooldown_min"),
        floor=values["floor"],
        kind=kind,
        least=_share(values, "least"),
    )


def _check(base_url: str) -> None:
    """Raises Invalid for what is no plain address of a server, or that of a machine's own metadata."""
    if not base_url.startswith(("http://", "https://")):
        raise Invalid("The address of the model must begin with http:// or https://.")
    try:
        parts = urlsplit(base_url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError as error:
        raise Invalid("The address of the model cannot be read.") from error
    if not host or "@" in parts.netloc or parts.query or parts.fragment:
        raise Invalid("The address of the model has a host and a path, and no user, password, query or fragment.")
    if is_forbidden(host):
        raise Invalid("This address tells a machine about itself; no model answers there.")


def _share(values: Mapping[str, str], name: str) -> float:
    value = _money(values, name)
    if value > 1:
        raise Invalid(f"{name} must lie between 0 and 1.")
    return float(value)


def _whole(values: Mapping[str, str], name: str) -> int:
    text = values[name]
    if not text.isdigit() or int(text) > 10_000_000:
        raise Invalid(f"{name.replace('_', ' ')} must be a whole number.")
    return int(text)


def _money(values: Mapping[str, str], name: str) -> Decimal:
    try:
        value = Decimal(values[name])
    except InvalidOperation as error:
        raise Invalid(f"{name.replace('_', ' ')} must be an amount, for example 0.05.") from error
    if not value.is_finite() or value < 0:
        raise Invalid(f"{name.replace('_', ' ')} must not be below zero.")
    return value
