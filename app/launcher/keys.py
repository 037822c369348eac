"""Secrets that the launcher makes once and keeps: `secrets.env` and `keys/vault.private`, both 0600."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable

from nacl.encoding import Base64Encoder
from nacl.public import PrivateKey

from app.launcher.errors import CannotStart
from app.launcher.folder import DataFolder, write_private

VAULT_PRIVATE = "COUNTERSIGN_VAULT_PRIVATE_KEY"
VAULT_PUBLIC = "COUNTERSIGN_VAULT_PUBLIC_KEY"


def _password() -> str:
    return secrets.token_urlsafe(24)


def _fernet() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _long() -> str:
    return secrets.token_urlsafe(50)


SHARED: dict[str, Callable[[], str]] = {  # what every process of ours may have in its environment
    "COUNTERSIGN_SECRET_KEY": _long,
    "COUNTERSIGN_INBOUND_KEYS": _fernet,
    "COUNTERSIGN_AUDIT_KEY": _long,
    "COUNTERSIGN_GATEWAY_KEY": _long,
}
LAUNCHER_ONLY: dict[str, Callable[[], str]] = {
    "SETUP_TOKEN": _password,
    "SUPERUSER_PASSWORD": _password,
    "OWNER_PASSWORD": _password,
    "APP_PASSWORD": _password,
    "CRM_PASSWORD": _password,
    "BROKER_PASSWORD": _password,
}


class Keys:
    """Every secret of one data folder. Values from our own environment win over the kept ones."""

    def __init__(self, values: dict[str, str], vault_private: str) -> None:
        self._values = values
        self.vault_private = os.environ.get(VAULT_PRIVATE, vault_private)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def shared(self) -> dict[str, str]:
        """For the environment of all processes: no database password, no private key."""
        return {name: os.environ.get(name, self._values[name]) for name in (*SHARED, VAULT_PUBLIC)}


def load(folder: DataFolder) -> Keys:
    """Read the secrets of `folder`, making those that are missing.

    Raises CannotStart when data exists but its secrets are gone: new ones would lock the old data away for good.
    """
    values = read(folder)
    private_file = folder.keys / "vault.private"
    if not values and (folder.pg / "PG_VERSION").exists():
        raise CannotStart(
            f"{folder.secrets} is missing, and the database in {folder.pg} cannot be opened without it.",
            f"put {folder.secrets.name} back from a backup, or start with another --data-dir.",
        )
    if VAULT_PUBLIC in values and not private_file.exists() and VAULT_PRIVATE not in os.environ:
        raise CannotStart(
            f"{private_file} is missing: no stored credential of a connection can be opened without it.",
            f"put it back from a backup, or set {VAULT_PRIVATE}.",
        )
    made = {name: make() for name, make in {**SHARED, **LAUNCHER_ONLY}.items() if name not in values}
    if VAULT_PUBLIC not in values:
        made[VAULT_PUBLIC] = _vault_pair(folder)
    if made:
        values |= made
        write_private(folder.secrets, "".join(f"{name}={value}\n" for name, value in sorted(values.items())))
    return Keys(values, private_file.read_text().strip() if private_file.exists() else "")


def read(folder: DataFolder) -> dict[str, str]:
    """The kept secrets as they are; none when there is no file yet."""
    if not folder.secrets.exists():
        return {}
    lines = folder.secrets.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def _vault_pair(folder: DataFolder) -> str:
    if VAULT_PUBLIC in os.environ:
        return os.environ[VAULT_PUBLIC]
    private = PrivateKey.generate()
    write_private(folder.keys / "vault.private", private.encode(Base64Encoder).decode() + "\n")
    return private.public_key.encode(Base64Encoder).decode()
