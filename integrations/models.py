"""What is connected, the secrets that it needs, and what people did in it."""

from __future__ import annotations

from django.conf import settings
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
    facts = models.JSONField(default=dict)  # what the other side said of itself at the last test that went well
    # What stands in its way of late: grant, channel, limited, away; empty where nothing does.
    trouble = models.CharField(max_length=10, blank=True)
    trouble_said = models.TextField(blank=True)
    trouble_until = models.DateTimeField(null=True, blank=True)

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


class InboundSecret(models.Model):
    """A secret that web may read, to know who calls: of the inbound ring, not of the vault."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="inbound")
    name = models.CharField(max_length=40)
    sealed = models.TextField()
    # The one before it, which holds until then: senders change over one by one.
    before = models.TextField(blank=True)
    before_until = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "name"], name="one_inbound_per_name")]


class Act(models.Model):
    """What somebody did in a messenger, as it came: a request, whatever it says. Settled in its own time."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="acts")
    team = models.CharField(max_length=40)
    person = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)  # block_actions, view_submission, command, message, event
    verb = models.CharField(max_length=255, blank=True)
    nonce = models.CharField(max_length=200, blank=True)
    channel = models.CharField(max_length=40, blank=True)
    message = models.CharField(max_length=40, blank=True)  # the one pressed in, or whose thread it is
    trigger = models.CharField(max_length=100, blank=True)  # opens a form, for three seconds
    action_ts = models.CharField(max_length=100)
    payload = models.JSONField(default=dict)  # what was typed: field to words
    received_at = models.DateTimeField()  # at the door, on its clock
    kept_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    again_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    outcome = models.TextField(blank=True)

    class Meta:
        constraints = [
            # A replay, a retry and a second delivery are the same act.
            models.UniqueConstraint(
                fields=["connection", "team", "person", "message", "action_ts", "nonce"], name="one_act"
            )
        ]
        indexes = [models.Index(fields=["id"], condition=models.Q(done_at=None), name="open_act")]


class LinkedAccount(models.Model):
    """An account in a messenger that a person said, in the console, is theirs."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="linked_accounts")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="linked_accounts")
    team = models.CharField(max_length=40)
    person = models.CharField(max_length=40)
    name = models.CharField(max_length=80, blank=True)  # as it was then: shown, never compared
    linked_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "team", "person"], name="one_person_per_account")]

    def __str__(self) -> str:
        return f"{self.name} ({self.person})"


class LinkOffer(models.Model):
    """A question to whoever opens it, signed in: is this account yours? It works once, for a short time."""

    digest = models.CharField(max_length=64, unique=True)
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="link_offers")
    team = models.CharField(max_length=40)
    person = models.CharField(max_length=40)
    name = models.CharField(max_length=80, blank=True)
    email = models.CharField(max_length=254, blank=True)
    made_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
