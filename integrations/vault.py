"""The vault: web seals a value to a public key; only gateway and worker-act hold the private key that opens it."""

from __future__ import annotations

import os

from django.conf import settings
from nacl.encoding import Base64Encoder
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from integrations import secrets_manager
from integrations.errors import SecretUnavailable
from integrations.models import Connection, Credential

ENV = "env://"
LONGEST = 200  # characters of a reference, as the column allows
OWN = ("COUNTERSIGN_", "DATABASE_URL", "BROKER_URL", "DJANGO_")  # variables of this process


def put(connection: Connection, name: str, value: str) -> Credential:
    """Seal `value`, or keep it as it is when it is a reference (`env://NAME`, `aws-sm://name#key`)."""
    reference = value if value.startswith((ENV, secrets_manager.SCHEME)) else ""
    if len(reference) > LONGEST:
        raise SecretUnavailable(f"A reference has at most {LONGEST} characters.")
    sealed = b"" if reference else _public().encrypt(value.encode())
    entry, _ = Credential.objects.update_or_create(
        connection=connection, name=name, defaults={"sealed": sealed, "reference": reference}
    )
    return entry


def get(connection: Connection, name: str) -> str:
    """The secret in clear. Raises SecretUnavailable where this process may not open it, or where there is none."""
    entry = Credential.objects.filter(connection=connection, name=name).first()
    if entry is None:
        raise SecretUnavailable(f"{connection.name} has no secret named {name}. Add it under Settings › Connections.")
    if entry.reference.startswith(secrets_manager.SCHEME):
        _need_key()  # because every process inherits the rights of the machine in AWS
        return secrets_manager.read(entry.reference)
    return _variable(entry.reference) if entry.reference else _open(bytes(entry.sealed))


def generate() -> tuple[str, str]:
    """A new pair (public, private), both base64."""
    key = PrivateKey.generate()
    return key.public_key.encode(Base64Encoder).decode(), key.encode(Base64Encoder).decode()


def _variable(reference: str) -> str:
    variable = reference.removeprefix(ENV)
    if variable.startswith(OWN):
        raise SecretUnavailable(f"{reference} is Countersign's own and is lent to no connection.")
    if variable not in os.environ:
        raise SecretUnavailable(f"{reference} is not set in this process.")
    return os.environ[variable]


def _public() -> SealedBox[PublicKey]:
    if not settings.VAULT_PUBLIC_KEY:
        raise SecretUnavailable("COUNTERSIGN_VAULT_PUBLIC_KEY is not set, so nothing can be sealed.")
    return SealedBox(PublicKey(settings.VAULT_PUBLIC_KEY.encode(), Base64Encoder))


def _need_key() -> None:
    if not settings.VAULT_PRIVATE_KEY:
        raise SecretUnavailable("Only the gateway and worker-act may open the vault.")


def _open(sealed: bytes) -> str:
    _need_key()
    try:
        return SealedBox(PrivateKey(settings.VAULT_PRIVATE_KEY.encode(), Base64Encoder)).decrypt(sealed).decode()
    except CryptoError as error:
        raise SecretUnavailable(
            "The vault's private key does not fit this secret. Restore the key, or enter it again."
        ) from error
