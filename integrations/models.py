"""What is connected, and the secrets that it needs."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class Connection(models.Model):
    """One configured instance of a connector. `config` holds no secret."""

    name = models.SlugField(max_length=60, unique=True)
    kind = models.CharField(max_length=20)  # a key of integrations.registry
    config = models.JSONField(default=dict)
    key_digest = models.CharField(max_length=64, blank=True, db_index=True)  # sha256 of the inbound bearer key
    key_prefix = models.CharField(max_length=12, blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())
    last_event_at = models.DateTimeField(null=True, blank=True)
    tested_at = models.DateTimeField(null=True, blank=True)
    test_ok = models.BooleanField(null=True)
    test_message = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def namespace(self) -> str:
        return str(self.config.get("namespace", ""))


class Credential(models.Model):
    """A vault entry: sealed to the vault's public key, or a reference such as `env://NAME` or `aws-sm://name#key`."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="credentials")
    name = models.CharField(max_length=40)
    sealed = models.BinaryField(blank=True, default=b"")
    reference = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "name"], name="one_secret_per_name")]
