from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from integrations import secrets_manager, vault
from integrations.errors import SecretUnavailable
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_reference_lends_a_variable_and_never_one_of_our_own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = factories.connection()
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "hunter2")
    vault.put(connection, "dsn", "env://WAREHOUSE_PASSWORD")
    assert vault.get(connection, "dsn") == "hunter2"
    for own in ("COUNTERSIGN_VAULT_PRIVATE_KEY", "COUNTERSIGN_AUDIT_KEY", "DATABASE_URL", "BROKER_URL"):
        monkeypatch.setenv(own, "ours")
        vault.put(connection, "dsn", f"env://{own}")
        with pytest.raises(SecretUnavailable, match="own"):
            vault.get(connection, "dsn")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """An AWS in this process, with one secret in it, and a process that may open the vault."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    settings.VAULT_PUBLIC_KEY, settings.VAULT_PRIVATE_KEY = vault.generate()
    secrets_manager._client.cache_clear()
    with mock_aws():
        manager = boto3.client("secretsmanager")
        manager.create_secret(Name="prod/cluster", SecretString=json.dumps({"key": "s3cret-of-aws", "port": 6443}))
        manager.create_secret(Name="whole", SecretString="all of it")
        manager.create_secret(Name="bytes", SecretBinary=b"s3cret-of-aws")
        yield
    secrets_manager._client.cache_clear()


def test_an_entry_may_point_on_to_aws(aws: None) -> None:
    connection = factories.connection()
    kept = vault.put(connection, "key", "aws-sm://prod/cluster#key")
    assert (kept.reference, bytes(kept.sealed)) == ("aws-sm://prod/cluster#key", b"")
    assert vault.get(connection, "key") == "s3cret-of-aws"
    vault.put(connection, "key", "aws-sm://whole")
    assert vault.get(connection, "key") == "all of it"


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("aws-sm://prod/cluster#other", "has no other"),
        ("aws-sm://prod/cluster#port", "is no text"),
        ("aws-sm://whole#key", "no JSON object"),
        ("aws-sm://gone", "ResourceNotFoundException"),
        ("aws-sm://bytes", "binary"),
        ("aws-sm://../x y", "is not written as"),
    ],
)
def test_what_aws_does_not_have_is_said_without_the_secret(aws: None, reference: str, why: str) -> None:
    connection = factories.connection()
    vault.put(connection, "key", reference)
    with pytest.raises(SecretUnavailable, match=why) as raised:
        vault.get(connection, "key")
    assert "s3cret" not in str(raised.value)


def test_a_process_without_the_vaults_key_does_not_ask_aws(aws: None, settings: Any) -> None:
    connection = factories.connection()
    vault.put(connection, "key", "aws-sm://whole")
    settings.VAULT_PRIVATE_KEY = ""
    with pytest.raises(SecretUnavailable, match="Only the gateway"):
        vault.get(connection, "key")
