"""A proposal from its plan to its receipts."""

from __future__ import annotations

from datetime import time
from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from app.core.lifecycle import LIVE
from app.core.models import Stateful
from incidents.models import Incident


class Proposal(Stateful):
    """A plan for an incident, with its staging branch and its report. Immutable once it awaits a decision."""

    kind: ClassVar[str] = "proposal"

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="proposals")
    number = models.PositiveSmallIntegerField()  # within its incident
    action = models.CharField(max_length=24)  # the riskiest of its plan
    title = models.CharField(max_length=300)
    plan = models.JSONField()  # approvals.plan.Plan as JSON
    risk = models.CharField(max_length=8)  # low, medium, high
    risk_reason = models.CharField(max_length=300, blank=True)
    rehearsal = models.CharField(max_length=8)  # branch, dry_run, none
    base = models.JSONField(default=dict)  # what it was based on: "<connection>" -> {asset uri or "commit": version}
    branches = models.JSONField(default=list)  # integrations.effects.Branch as JSON
    staging = models.JSONField(default=dict)  # outcome of the staging run: results, versions, seconds, log tail
    bound = models.JSONField(default=dict)  # every field that the fingerprint covers, written when verified
    fingerprint = models.CharField(max_length=64, blank=True)
    policy = models.JSONField(default=dict)  # what `policy.requirement` gave at verification, and "also"
    effect = models.JSONField(default=dict)  # {"label", "now", "branch", "expected", "line"}
    requested_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    start_by = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)  # start of the window that the plan names
    proposer = models.JSONField(default=dict)  # {"type": "rules"|"human"|"agent", "id", "name"}
    editors = ArrayField(models.BigIntegerField(), default=list)  # user ids who supplied plan content
    status_reason = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["incident", "number"], name="one_number_per_incident"),
            models.UniqueConstraint(fields=["incident"], condition=Q(status__in=LIVE), name="one_live_proposal"),
        ]
        indexes = [
            models.Index(fields=["status", "status_at"]),
            models.Index(fields=["-requested_at"], name="proposal_asked"),  # a changed policy is tried on the past
        ]

    def __str__(self) -> str:
        return f"INC-{self.incident.number} proposal {self.number}"

    @property
    def incident_number(self) -> int:
        return self.incident.number


class Report(models.Model):
    """What verification found, computed by code (DESIGN.md section 10)."""

    proposal = models.OneToOneField(Proposal, models.CASCADE, related_name="report")
    # [{"name", "title", "state": "ok"|"bad"|"note"|"skipped", "note", "body"}] in the order that people read
    checks = models.JSONField(default=list)
    sections = models.JSONField(
        default=dict
    )  # statements, snapshots, rows, columns, schema, totals, segment, downstream, undo, cost
    not_checked = models.JSONField(default=list)  # sentences
    green = models.BooleanField()
    sha256 = models.CharField(max_length=64)
    verifier = models.CharField(max_length=64)  # hash of the code that computed it
    seconds = models.FloatField(default=0)
    created_at = models.DateTimeField(db_default=Now())


class Decision(models.Model):
    """One append-only row, by one person, through one door."""

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="decisions")
    decision = models.CharField(max_length=16)  # approve, reject, request_changes, withdraw
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="decisions")
    door = models.CharField(max_length=8)  # web, api, slack
    at = models.DateTimeField(db_default=Now())
    fingerprint = models.CharField(max_length=64)
    reason = models.CharField(max_length=20, blank=True)
    comment = models.TextField(blank=True)
    source = models.JSONField(default=dict)  # ip, user agent, session, token prefix
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["proposal", "by"],
                condition=Q(decision="approve", withdrawn_at=None),
                name="one_signature_per_person",
            )
        ]


class Execution(models.Model):
    """The carrying out (or the undoing) of an approved proposal; its lease fences the workers."""

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="executions")
    direction = models.CharField(max_length=8, default="forward")  # forward, undo
    fingerprint = models.CharField(max_length=64)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, blank=True)  # done, failed, void, superseded
    error = models.TextField(blank=True)
    validation = models.JSONField(default=dict)
    lease_until = models.DateTimeField(null=True, blank=True)
    epoch = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fingerprint", "direction"], name="one_execution_per_fingerprint")
        ]
        indexes = [models.Index(fields=["id"], condition=Q(finished_at=None), name="execution_open")]

    def __str__(self) -> str:
        return f"{self.proposal} {self.direction}"

    @property
    def incident_number(self) -> int:
        return self.proposal.incident.number


class ExecutionStep(models.Model):
    """One step of an execution. The intent is saved before the effect, the receipt after it."""

    execution = models.ForeignKey(Execution, models.CASCADE, related_name="steps")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=24)
    title = models.CharField(max_length=300)
    key = models.CharField(max_length=80, unique=True)  # lands with the effect
    status = models.CharField(max_length=8, default="waiting")  # waiting, running, done, failed, skipped
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    receipt = models.JSONField(null=True, blank=True)
    output = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["execution", "number"], name="one_step_per_number")]


class Request(models.Model):
    """A thing only a person can do, asked of one, followed up until the data proves it done."""

    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="requests")
    to_name = models.CharField(max_length=120)
    to_email = models.EmailField(blank=True)
    ask = models.TextField()
    key = models.CharField(max_length=80, unique=True)
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    place = models.PositiveSmallIntegerField(default=0)  # among those whom the plan names, in order
    salt = models.CharField(max_length=32, blank=True)  # the link is made of it and the server's key, and kept nowhere
    digest = models.CharField(max_length=64, blank=True)  # sha256 of the token in the link
    until = models.DateTimeField(null=True, blank=True)  # from then on the link opens nothing
    moved = models.BooleanField(default=False)  # the deadline, which moves once
    outcome = models.CharField(max_length=8, blank=True)  # once closed: proved, not_me, late, over
    still = models.TextField(blank=True)  # what the last look at the data found wrong
    looked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["digest"], condition=~Q(digest=""), name="one_request_per_link"),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(closed_at=None), name="request_open")]


class Message(models.Model):
    """A notice to a person: a row with a status of its own, sent by worker-act."""

    key = models.CharField(max_length=120, unique=True)  # one per subject, occasion and channel
    connection = models.CharField(max_length=60)  # messenger connection, or `email` for the SMTP settings
    to = models.CharField(max_length=200)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    link = models.CharField(max_length=300)
    # Where the link is one that only its reader may have: it is made as the message is sent, and not kept.
    request = models.ForeignKey(Request, models.CASCADE, null=True, related_name="messages")
    incident = models.ForeignKey(Incident, models.CASCADE, related_name="messages")
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(sent_at=None), name="message_waiting")]


class KillSwitch(models.Model):
    """Executions stop while a row here is on. Scope is `all`, `connection:<name>`, `action:<name>` or `asset:<uri>`."""

    scope = models.CharField(max_length=400)
    reason = models.CharField(max_length=300, blank=True)
    pressed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    pressed_at = models.DateTimeField(db_default=Now())
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope"], condition=Q(lifted_at=None), name="one_switch_per_scope")
        ]


class Freeze(models.Model):
    """A time in which no fix starts: once from `since` until `until`, or each week. Scopes are those of KillSwitch."""

    scope = models.CharField(max_length=400)
    reason = models.CharField(max_length=300)
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list)  # 0 is Monday; empty: once
    opens = models.TimeField(default=time.min)  # of a weekly one, on the wall of `zone`
    closes = models.TimeField(default=time.min)
    zone = models.CharField(max_length=60, default="UTC")
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    declared_at = models.DateTimeField(db_default=Now())
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(weekdays=[], since__isnull=False, until__isnull=False) | ~Q(weekdays=[]),
                name="freeze_is_once_or_weekly",
            )
        ]

    def __str__(self) -> str:
        return f"freeze of {self.scope}"


class PolicyVersion(models.Model):
    """The whole policy as one person proposed and another signed it. Its rules never change: others are a version."""

    number = models.PositiveIntegerField(unique=True)
    rules = models.JSONField()  # [approvals.policy.rules.Rule as JSON] in order
    sha256 = models.CharField(max_length=64)  # of the rules: what is signed, and what proposals bind
    based_on = models.PositiveIntegerField()  # the version that was in force then; 0: what Countersign comes with
    status = models.CharField(max_length=10, default="proposed")  # proposed, in_force, replaced, refused, lapsed
    note = models.CharField(max_length=300)  # why, in the author's words
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    source = models.JSONField(default=dict)  # door, ip, user agent and session of who decided

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["status"], condition=Q(status="in_force"), name="one_policy_in_force"),
            models.UniqueConstraint(fields=["status"], condition=Q(status="proposed"), name="one_policy_proposed"),
            models.CheckConstraint(
                condition=~Q(status="in_force") | Q(decided_by__isnull=False), name="policy_in_force_is_signed"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="as_proposed", fields=["number", "rules", "sha256", "based_on", "author"]),
        ]

    def __str__(self) -> str:
        return f"policy version {self.number}"


from approvals.asking.models import Answer  # noqa: E402, F401
from approvals.live.models import LiveLine, LiveMessage, Nonce  # noqa: E402, F401 - models too, in a file of their own
