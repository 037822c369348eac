"""What stands where, what was told in its thread, and what each button may still do."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from incidents.models import Incident
from integrations.models import Connection


class LiveMessage(models.Model):
    """One message of an incident in one team. It is due while the incident has more audit records than `told`."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="live_messages")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="live_messages")
    room = models.CharField(max_length=120)  # the channel as it is configured
    channel = models.CharField(max_length=120, blank=True)  # the channel's own id, once it is posted
    message = models.CharField(max_length=60, blank=True)  # the message's own id; empty until it is posted
    shown = models.CharField(max_length=64, blank=True)  # digest of the card that stands there
    state = models.CharField(max_length=24, blank=True)  # of that card, in a word of cards.py
    told = models.PositiveIntegerField(default=0)  # audit records of the incident that the card knows
    shown_at = models.DateTimeField(null=True, blank=True)
    again_at = models.DateTimeField(null=True, blank=True)  # when time alone changes the card
    attempts = models.PositiveSmallIntegerField(default=0)  # since it last went well
    error = models.TextField(blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "connection"], name="one_live_message")]
        indexes = [models.Index(fields=["channel", "message"], name="live_message_place")]

    def __str__(self) -> str:
        return f"{self.incident} in {self.connection}"

    @property
    def incident_number(self) -> int:
        return self.incident.number


class LiveLine(models.Model):
    """One line of the story in the thread of a live message; `key` is the audit record that it tells."""

    message = models.ForeignKey(LiveMessage, models.CASCADE, related_name="lines")
    key = models.BigIntegerField()
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "key"], name="one_line_per_record")]


class Nonce(models.Model):
    """What a button stands for, kept here alone: one verb on one proposal as it was shown, good for one use."""

    value = models.CharField(max_length=43, unique=True)
    message = models.ForeignKey(LiveMessage, models.CASCADE, related_name="nonces")
    proposal = models.ForeignKey("approvals.Proposal", models.CASCADE, related_name="+")
    fingerprint = models.CharField(max_length=64, blank=True)
    verb = models.CharField(max_length=16)
    person = models.CharField(max_length=60, blank=True)  # of a form: who opened it, and alone may send it
    made_at = models.DateTimeField(db_default=Now())
    act = models.BigIntegerField(null=True, blank=True)  # the act that is using it, or has used it
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "proposal", "fingerprint", "verb"],
                condition=Q(used_at=None, person=""),
                name="one_unused_nonce_per_button",
            )
        ]
