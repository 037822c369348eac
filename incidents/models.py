"""What came in, what it is about, and what was found out."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.functions import Now, Upper

from app.core.models import Stateful
from integrations.models import Connection
from integrations.values import AssetRef

SEVERITIES = ["critical", "high", "warning", "info", "low"]
CLASSES = ["infrastructure", "code", "data", "transient"]
RESOLUTIONS = ["fixed", "upstream_fixed", "expected", "false_positive", "duplicate", "no_action"]


class Event(models.Model):
    """One thing received from a connection, kept as it came, durable before it is acknowledged."""

    connection = models.ForeignKey(Connection, models.PROTECT, related_name="events")
    kind = models.CharField(max_length=30)  # openlineage, dbt, generic, run (our own re-run), drift (our own detector)
    fingerprint = models.CharField(max_length=64)
    received_at = models.DateTimeField(db_default=Now())
    payload = models.JSONField()
    drained_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)  # why it could not be read; shown under the connection

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "fingerprint"], name="one_event_per_fingerprint")]
        indexes = [models.Index(fields=["id"], condition=Q(drained_at=None), name="event_waiting")]


class Asset(models.Model):
    """A table, model, job, dashboard or feed, named as OpenLineage names it."""

    namespace = models.CharField(max_length=300)
    name = models.CharField(max_length=300)
    kind = models.CharField(max_length=20, default="table")
    owner = models.JSONField(default=dict)  # {"name", "email", "slack"}
    description = models.TextField(blank=True)
    path = models.CharField(max_length=500, blank=True)  # source file in the repository
    columns = models.JSONField(default=list)  # [{"name", "type", "comment" where there is one}] as last told
    meta = models.JSONField(default=dict)
    next_load_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(db_default=Now())
    looked_at = models.DateTimeField(null=True, blank=True)  # when the detectors last looked at it by the clock
    unread = models.CharField(max_length=300, blank=True)  # why they could not

    class Meta:
        constraints = [models.UniqueConstraint(fields=["namespace", "name"], name="one_asset_per_name")]
        indexes = [
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="asset_name_search"),
            models.Index(fields=["namespace", "looked_at"], name="asset_looked_at"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> AssetRef:
        return AssetRef(self.namespace, self.name)


class AssetEdge(models.Model):
    """Data flows from `upstream` to `downstream`; a job is an asset too."""

    upstream = models.ForeignKey(Asset, models.CASCADE, related_name="edges_down")
    downstream = models.ForeignKey(Asset, models.CASCADE, related_name="edges_up")
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upstream", "downstream"], name="one_edge")]


class Run(models.Model):
    """One execution of a job. A staging run neither opens nor resolves an incident."""

    connection = models.ForeignKey(Connection, models.PROTECT, related_name="runs")
    external_id = models.CharField(max_length=300)
    job = models.ForeignKey(Asset, models.CASCADE, related_name="runs")
    status = models.CharField(max_length=12)  # running, success, failed, aborted
    environment = models.CharField(max_length=12, default="production")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    commit = models.CharField(max_length=64, blank=True)
    parameters = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    log = models.TextField(blank=True)
    inputs = ArrayField(models.BigIntegerField(), default=list)  # asset ids
    outputs = ArrayField(models.BigIntegerField(), default=list)
    told_at = models.DateTimeField(db_default=Now())  # when we first heard of it; a past told at once was not watched

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "external_id"], name="one_run_per_id")]
        indexes = [
            models.Index(fields=["job", "-started_at"]),
            GinIndex(fields=["outputs"], name="run_outputs"),
            models.Index(fields=["-id"], condition=Q(status__in=["failed", "aborted"]), name="run_failed"),
        ]

    def __str__(self) -> str:
        return self.external_id


class RunResult(models.Model):
    """How one asset, or one test on it, fared in a run."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="results")
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="results")
    node = models.CharField(max_length=300, blank=True)
    kind = models.CharField(max_length=12, default="model")
    status = models.CharField(max_length=12)  # success, failed, warned, skipped
    message = models.TextField(blank=True)
    failures = models.BigIntegerField(null=True, blank=True)
    seconds = models.FloatField(default=0)

    class Meta:
        indexes = [models.Index(fields=["asset", "-id"])]


class AssetProfile(models.Model):
    """Facts about rows, as they were at one moment: the history from which bands are learned."""

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="profiles")
    version = models.CharField(max_length=80)
    at = models.DateTimeField()
    scope = models.CharField(max_length=5, default="load")  # load: rows that one version brought; whole: all rows
    profile = models.JSONField()  # integrations.values.Profile as JSON
    told_at = models.DateTimeField(db_default=Now())  # when we looked; long after `at` for a past that was learned
    judged = models.JSONField(default=list)  # [incidents.bands.Judgement as JSON]: each detector's band and value
    is_known_bad = models.BooleanField(default=False)  # left out of the band: it opened an incident

    class Meta:
        constraints = [models.UniqueConstraint(fields=["asset", "version"], name="one_profile_per_version")]
        indexes = [models.Index(fields=["asset", "-at"], name="profile_newest")]


class Incident(Stateful):
    """What a person looks at: one root asset, many symptoms."""

    kind: ClassVar[str] = "incident"

    # From a sequence, so that two workers never take the same number.
    number = models.BigIntegerField(unique=True, db_default=Func(Value("incident_number"), function="nextval"))
    title = models.CharField(max_length=300)
    summary = models.CharField(max_length=300, blank=True)  # the line below the title in the inbox
    severity = models.CharField(max_length=10, default="warning")
    failure_class = models.CharField(max_length=16, blank=True)
    subtype = models.CharField(max_length=60, blank=True)
    root_asset = models.ForeignKey(Asset, models.PROTECT, related_name="incidents")
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="incidents")
    run = models.ForeignKey(Run, models.SET_NULL, null=True, blank=True, related_name="incidents")  # that failed first
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="incidents"
    )
    # What opened it, so that the same thing passing later resolves it: {"kind": "job"|"check", "job", "node", "check"}
    opened_by = models.JSONField(default=dict)
    signature = models.CharField(max_length=64, blank=True)  # of its first error, for folding on one connection
    downstream_count = models.PositiveIntegerField(default=0)
    dashboard_count = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(db_default=Now())
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=16, blank=True)
    resolution_comment = models.TextField(blank=True)
    follow_up_left = models.PositiveSmallIntegerField(default=0)  # scheduled runs still to be watched after a fix
    reopened = models.PositiveSmallIntegerField(default=0)
    reopened_at = models.DateTimeField(null=True, blank=True)  # the last time: what was tried before counts no more

    class Meta:
        indexes = [
            models.Index(fields=["status", "-opened_at"]),
            models.Index(fields=["-resolved_at"], condition=Q(status="resolved"), name="incident_resolved"),
            models.Index(fields=["root_asset", "status"]),
            models.Index(fields=["status", "status_at"]),
            GinIndex(OpClass(Upper("title"), name="gin_trgm_ops"), name="incident_title_search"),
        ]

    def __str__(self) -> str:
        return f"INC-{self.number}"

    @property
    def incident_number(self) -> int:
        return self.number


class IncidentEvent(models.Model):
    """Why an event belongs to an incident."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="members")
    event = models.ForeignKey(Event, models.CASCADE, related_name="memberships")
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="+")
    role = models.CharField(max_length=8)  # root, symptom, repeat
    why = models.CharField(max_length=200)
    message = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "event", "asset"], name="one_membership")]


class ToolCall(models.Model):
    """One read through the gateway."""

    incident = models.ForeignKey(Incident, models.CASCADE, null=True, related_name="tool_calls")
    tool = models.CharField(max_length=40)
    arguments = models.JSONField(default=dict)
    arguments_digest = models.CharField(max_length=64)
    result_digest = models.CharField(max_length=64, blank=True)
    ok = models.BooleanField()
    error = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now())
    milliseconds = models.PositiveIntegerField(default=0)
    caller = models.CharField(max_length=60, default="rules")  # rules, agent, or a person's own: token 7 of ada
    nonce = models.CharField(max_length=16, blank=True)  # of the agent's grant
    result = models.TextField(blank=True)  # what an agent was shown; what the rules read is in the evidence

    class Meta:
        indexes = [models.Index(fields=["nonce"], condition=~Q(nonce=""), name="tool_call_nonce")]


class Evidence(models.Model):
    """One numbered, sourced fact about an incident: E1, E2 ...; what people wrote is K1, K2 ..."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="evidence")
    label = models.CharField(max_length=6)  # E1, K1
    kind = models.CharField(
        max_length=12
    )  # log signature lineage schema runs changes profile keys grants similar knowledge
    title = models.CharField(max_length=300)
    body = models.JSONField(default=dict)  # shape by kind: incidents/evidence.py says
    source = models.CharField(max_length=200)
    trust = models.CharField(max_length=10, default="system")  # system, untrusted, human
    call = models.ForeignKey(ToolCall, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "label"], name="one_label_per_incident")]


class Diagnosis(models.Model):
    """Failure class, root cause, claims with citations, alternatives, confidence. The newest of an incident counts."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="diagnoses")
    failure_class = models.CharField(max_length=16, blank=True)  # empty when inconclusive
    subtype = models.CharField(max_length=60, blank=True)
    root_cause = models.TextField()
    claims = models.JSONField(default=list)  # [{"text", "cites": ["E1"]}]
    alternatives = models.JSONField(default=list)  # [{"cause", "why_not", "cites"}]
    confidence = models.DecimalField(max_digits=3, decimal_places=2)
    inconclusive = models.BooleanField(default=False)
    produced_by = models.CharField(max_length=120)
    # Typed facts for the proposer, by code and not by reading: incidents/diagnose.py lists the keys.
    facts = models.JSONField(default=dict)
    at = models.DateTimeField(db_default=Now())


class Comment(models.Model):
    incident = models.ForeignKey(Incident, models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField(db_default=Now())


from incidents.agent.records import AgentSession, AgentStep, ModelCall, ToolPin  # noqa: E402, F401 - the same
from incidents.own.models import OwnSignature, OwnVersion  # noqa: E402, F401 - the same
from incidents.watched import Mute, Widening  # noqa: E402, F401 - models too, in a file of their own
