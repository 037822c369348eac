"""What is kept of a model and of agents: each session, each step, each call of the model, each pinned tool."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class AgentSession(models.Model):
    """One look of the model at an incident. The newest of an incident belongs to its newest diagnosis."""

    incident = models.ForeignKey("incidents.Incident", models.CASCADE, related_name="agent_sessions")
    diagnosis = models.ForeignKey(
        "incidents.Diagnosis", models.SET_NULL, null=True, blank=True, related_name="agent_sessions"
    )
    model = models.CharField(max_length=160)  # provider:name
    prompt_hash = models.CharField(max_length=64)
    sandbox = models.CharField(max_length=12)  # bubblewrap, off; none where it was not started
    # agreed, concluded (where the rules did not), dissented, nothing, failed, skipped
    outcome = models.CharField(max_length=12)
    reason = models.TextField(blank=True)  # why the rules' diagnosis stands alone
    answer = models.JSONField(default=dict)  # what it concluded, as it came
    dropped = models.PositiveSmallIntegerField(default=0)  # claims that cite what was not read
    kept = models.PositiveSmallIntegerField(default=0)
    nonce = models.CharField(max_length=16, blank=True, db_index=True)  # of its grant: finds its calls
    seconds = models.FloatField(default=0)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["incident", "-id"])]


class AgentStep(models.Model):
    """One thing that it was told, said, read or failed at."""

    session = models.ForeignKey(AgentSession, models.CASCADE, related_name="steps")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8)  # told, said, asked, read, fault
    text = models.TextField()

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints = [models.UniqueConstraint(fields=["session", "number"], name="one_agent_step_per_number")]


class ModelCall(models.Model):
    """One call of the model through the gateway: written before the call with the worst cost, settled after it."""

    incident = models.ForeignKey(
        "incidents.Incident", models.CASCADE, null=True, blank=True, related_name="model_calls"
    )
    connection = models.CharField(max_length=60, blank=True)  # of the incident, whose money it is
    nonce = models.CharField(max_length=16)  # of the grant
    model = models.CharField(max_length=160)
    request_digest = models.CharField(max_length=64)
    answer_digest = models.CharField(max_length=64, blank=True)
    answer = models.JSONField(null=True, blank=True)  # for the same question again
    tokens_in = models.PositiveIntegerField(default=0)
    tokens_out = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=12, decimal_places=6, default=0)  # US dollars
    state = models.CharField(max_length=8, default="asked")  # asked, ok, cached, failed
    error = models.CharField(max_length=500, blank=True)
    covered = models.PositiveIntegerField(default=0)  # secrets that were covered on the way, both ways
    milliseconds = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["-at"], name="model_call_at"),
            models.Index(fields=["incident", "-at"], name="model_call_incident"),
            models.Index(fields=["request_digest"], condition=models.Q(state="ok"), name="model_call_cache"),
        ]


class ToolPin(models.Model):
    """The definition of a tool that agents are given, as a person last saw it."""

    name = models.CharField(max_length=40, unique=True)
    digest = models.CharField(max_length=64)
    definition = models.JSONField()
    # What it reads now, where that differs: the tool is out of use until a person looks.
    changed_digest = models.CharField(max_length=64, blank=True)
    changed = models.JSONField(null=True, blank=True)
    trusted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )  # none: as first installed
    at = models.DateTimeField(db_default=Now())
