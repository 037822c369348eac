"""Typed readers of the environment. A bad value stops the start with a sentence; secrets may come from files."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def env_str(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def env_bool(name: str, default: bool) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    if value.lower() in TRUE | FALSE:
        return value.lower() in TRUE
    raise ImproperlyConfigured(f"{name} must be one of 1, 0, true, false; it is {value!r}.")


def env_int(name: str, default: int, *, least: int = 0) -> int:
    value = os.environ.get(name)
    if value is None:
        return default
    if value.isdigit() and int(value) >= least:
        return int(value)
    raise ImproperlyConfigured(f"{name} must be a whole number of at least {least}; it is {value!r}.")


def env_list(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def env_secret(name: str, default: str | None = None) -> str:
    """The secret in `name`, or in the file that `name_FILE` points to. Never logged; raises when both are missing."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip()
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. `manage.py up` makes one; elsewhere set it or {name}_FILE.")
    return value
