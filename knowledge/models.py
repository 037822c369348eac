"""What people know and no system does."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from integrations.models import Connection

KINDS = ["runbook", "annotation"]
STATES = ["draft", "signed", "archived"]
ORIGINS = ["person", "model", "incident", "git", "csv", "dbt"]
OUTCOMES = ["open", "right", "misled"]
CONFIG = "english"  # the dictionary that stems; words that it does not know are kept as they are


class Entry(models.Model):
    """A runbook (about a kind of failure) or an annotation (about an asset). Only our verbs change one.

    Only a signed one is used in a diagnosis: a draft from a model or from an incident waits until a person signs it.
    """

    kind = models.CharField(max_length=12)
    title = models.CharField(max_length=200)
    rule = models.TextField(blank=True)  # when it applies: knowledge/rule.py; empty means found by text alone
    body = models.TextField(blank=True)  # markdown
    hints = models.JSONField(default=list)  # what code acts on: knowledge/hints.py
    state = models.CharField(max_length=10, default="signed")
    origin = models.CharField(max_length=10, default="person")
    origin_ref = models.CharField(max_length=500, blank=True)  # path in the repository, or dbt's unique id
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="written_entries"
    )  # none for what a model or dbt wrote
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="owned_entries"
    )  # none: needs an owner
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    readers = ArrayField(models.CharField(max_length=20), default=list, blank=True)  # roles that see it; none: all
    review_by = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)  # raised by each save: the lock of two people who edit at once
    incident_number = models.BigIntegerField(null=True, blank=True)  # where it was learned
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    reminded_at = models.DateTimeField(null=True, blank=True)  # when its owner was last written to
    # Made by knowledge/index.py at each save, for recall.
    anchors = ArrayField(models.CharField(max_length=320), default=list)
    needle = models.CharField(max_length=80, blank=True)  # text that a log must hold, or the rule does not
    words = models.TextField(blank=True)
    search = models.GeneratedField(
        expression=SearchVector("title", weight="A", config=CONFIG) + SearchVector("words", weight="B", config=CONFIG),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        indexes = [  # no fast updates: a search would read through what they leave pending, and few write
            GinIndex(fields=["search"], name="entry_search", fastupdate=False),
            GinIndex(fields=["anchors"], name="entry_anchors", fastupdate=False),
            models.Index(fields=["needle"], include=["id"], condition=~Q(needle=""), name="entry_needle"),
            models.Index(fields=["state", "-updated_at"]),
            models.Index(fields=["review_by"], condition=Q(state="signed"), name="entry_review"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["origin", "origin_ref"], condition=~Q(origin_ref=""), name="one_entry_per_origin"
            )
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def trust(self) -> str:
        """`human` once a person signed it, `dbt` for what the project says of itself, else `draft`."""
        return "draft" if self.state == "draft" else "dbt" if self.origin == "dbt" else "human"

    @property
    def is_read_only(self) -> bool:
        return self.origin == "dbt"


class Revision(models.Model):
    """One version of an entry, whole; what changed is computed."""

    entry = models.ForeignKey(Entry, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    rule = models.TextField(blank=True)
    body = models.TextField(blank=True)
    hints = models.JSONField(default=list)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField(db_default=Now())
    door = models.CharField(max_length=20)  # web, api, command, schedule, worker

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "number"], name="one_revision_per_number")]
        ordering: ClassVar[list[str]] = ["-number"]


class Citation(models.Model):
    """A diagnosis cited an entry, and how that ended."""

    entry = models.ForeignKey(Entry, models.CASCADE, related_name="citations")
    version = models.PositiveIntegerField()
    diagnosis = models.BigIntegerField()  # its key; this chapter comes before that of incidents
    incident_number = models.BigIntegerField()
    outcome = models.CharField(max_length=8, default="open")  # open, right, misled
    at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "diagnosis"], name="one_citation_per_diagnosis")]
        indexes = [models.Index(fields=["incident_number", "outcome"])]


class Copy(models.Model):
    """The file of an entry in a repository, as both were when they were last the same."""

    entry = models.ForeignKey(Entry, models.CASCADE, related_name="copies")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")  # a git connection
    path = models.CharField(max_length=500)
    version = models.PositiveIntegerField()  # of the entry
    digest = models.CharField(max_length=64)  # sha256 of the file

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "path"], name="one_copy_per_path"),
            models.UniqueConstraint(fields=["connection", "entry"], name="one_copy_per_entry"),
        ]


class Word(models.Model):
    """A stemmed word of the entries, and in how many it is: rare ones tell more, misspelt ones are found near it."""

    lexeme = models.CharField(max_length=60, primary_key=True)
    entries = models.IntegerField(default=0)

    class Meta:
        indexes = [GinIndex(OpClass("lexeme", name="gin_trgm_ops"), name="word_near", fastupdate=False)]


class Draft(models.Model):
    """What one person has typed and not saved: survives a closed tab."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="knowledge_drafts")
    entry = models.ForeignKey(Entry, models.CASCADE, null=True, blank=True, related_name="drafts")  # none: a new one
    base_version = models.PositiveIntegerField(default=0)  # of the entry when typing began
    content = models.JSONField(default=dict)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "entry"], name="one_draft_per_entry", nulls_distinct=False)
        ]
