"""The floor: people and their tokens, the audit trail, and what every row with a status has in common."""

from __future__ import annotations

import uuid
from typing import ClassVar

import pgtrigger
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Now


class User(AbstractUser):
    """A person (or a service). Roles grant what `app.core.roles` lists; being a Django superuser grants no decision."""

    roles = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    member_of = ArrayField(models.CharField(max_length=40), default=list, blank=True)  # groups that a policy may name
    slack_id = models.CharField(max_length=40, blank=True)
    on_call = models.BooleanField(default=False)  # hears of every incident that waits for a decision
    invited_at = models.DateTimeField(null=True, blank=True)

    @property
    def label(self) -> str:
        return self.get_full_name() or self.username

    @property
    def initials(self) -> str:
        parts = self.label.replace("_", " ").replace("-", " ").split()
        return "".join(part[0] for part in parts[:2]).upper()


class ApiToken(models.Model):
    """A bearer token of a user, kept as a digest; scopes are read, propose, decide."""

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    prefix = models.CharField(max_length=12)  # shown, so that people can tell tokens apart
    scopes = ArrayField(models.CharField(max_length=10), default=list)
    audience = models.CharField(max_length=8, default="api")  # api, or gateway: an agent's, which the API refuses
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)


class Session(AbstractBaseSession):
    """One sign-in on one device. Deleting the row ends it; `app.core.sessions` writes and reads it."""

    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="sessions")  # null before the sign-in
    ip = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())


class SecondFactor(models.Model):
    """A person's authenticator. Sealed with the inbound keys; until it is confirmed it counts for nothing."""

    user = models.OneToOneField(User, models.CASCADE, related_name="second_factor")
    sealed = models.TextField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    last_step = models.BigIntegerField(default=0)  # of 30 s since 1970, of the last code that was taken: each code once


class RecoveryCode(models.Model):
    """One of a person's codes for the day the authenticator is lost: kept as a digest, good once."""

    user = models.ForeignKey(User, models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="one_recovery_code")]


class Identity(models.Model):
    """Who a person is at the organisation's sign-in (OpenID Connect)."""

    user = models.ForeignKey(User, models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=255)  # OpenID Connect Core, section 2: at most 255
    linked_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_person_per_identity"),
            models.UniqueConstraint(fields=["issuer", "user"], name="one_identity_per_person"),
        ]


class Attempt(models.Model):
    """One try at something that is limited; kept until it succeeds or no longer counts."""

    key = models.CharField(max_length=64)  # digest of what is counted: a name, an address, a person
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["key", "at"]), models.Index(fields=["at"])]


class SignInRules(models.Model):
    """One row: of whom a second factor is demanded."""

    second_factor_roles = ArrayField(models.CharField(max_length=20), default=list, blank=True)


class Stateful(models.Model):
    """A row with a status that only `lifecycle.advance` moves, and a lease for whoever works on it."""

    kind: ClassVar[str]
    held: tuple[int, tuple[str, ...]] | None = None  # epoch and statuses, on the one that `lease` holds

    status = models.CharField(max_length=24)
    status_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True, blank=True)
    epoch = models.PositiveIntegerField(default=0)  # raised by each holder: the fence against one that slept
    attempts = models.PositiveSmallIntegerField(default=0)  # in this status; parked for a person at the limit

    class Meta:
        abstract = True


class AuditRecord(models.Model):
    """One thing that happened. Inserted by the transaction that it describes, never changed."""

    event_id = models.UUIDField(default=uuid.uuid4, unique=True)
    time = models.DateTimeField(db_index=True)  # database clock
    event = models.CharField(max_length=60)
    severity = models.CharField(max_length=10, default="info")
    outcome = models.CharField(max_length=10, default="success")  # success, failure, denied
    error_code = models.CharField(max_length=40, blank=True)
    actor = models.JSONField()  # {id, name, type: human|service|agent, roles}
    session = models.JSONField(default=dict)  # {id, mfa, auth_time}
    source = models.JSONField()  # {door, ip, user_agent}
    correlation = models.BigIntegerField(null=True)  # incident number
    subject = models.JSONField()  # {type, id, name}
    fingerprint = models.CharField(max_length=64, blank=True)
    reason = models.TextField(blank=True)
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    detail = models.JSONField(default=dict)
    app_version = models.CharField(max_length=20, blank=True)
    host = models.CharField(max_length=80, blank=True)
    mac = models.CharField(max_length=64)  # HMAC over the rest: written by us, not by someone at the database

    class Meta:
        indexes = [
            models.Index(fields=["correlation", "id"]),
            models.Index(fields=["event", "-id"]),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="tell",  # pages listen: every record is also the news of it
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                func="""PERFORM pg_notify('countersign', json_build_object(
                    'incident', NEW.correlation, 'event', NEW.event)::text); RETURN NULL;""",
            ),
        ]


class AuditSeal(models.Model):
    """One link of the chain: `hash` covers the record's canonical bytes and the hash before it."""

    seq = models.BigIntegerField(primary_key=True)
    record = models.OneToOneField(AuditRecord, models.DO_NOTHING, db_constraint=False, related_name="seal")
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField(db_default=Now())

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]


class Canary(models.Model):
    """The last time that each queue was seen to be consumed: alive means this, not that a process runs."""

    queue = models.CharField(max_length=20, unique=True)
    sung_at = models.DateTimeField(db_default=Now())
