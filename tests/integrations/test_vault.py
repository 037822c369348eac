from __future__ import annotations

import pytest

from integrations import vault
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
