"""Signatures that a team wrote of its own tools. Archived, never deleted; every version is kept."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

STATES = ["in use", "archived"]
# What a version says; the same names in the form, the API and `OwnVersion.content`.
FIELDS = ("name", "pattern", "literals", "subtype", "rank", "retryable", "means", "decides", "follow")
NAME_LIMIT, MEANS_LIMIT, TEXT_LIMIT = 60, 300, 500  # characters; TEXT_LIMIT of a pattern


class OwnSignature(models.Model):
    """Only our verbs (`write.py`) change one. What the fields mean: incidents/signatures.py."""

    name = models.CharField(max_length=NAME_LIMIT, unique=True)
    pattern = models.CharField(max_length=TEXT_LIMIT)
    literals = ArrayField(models.CharField(max_length=100), default=list, blank=True)  # given; empty: from the pattern
    subtype = models.CharField(max_length=60)
    rank = models.CharField(max_length=8, default="cause")
    retryable = models.BooleanField(null=True, blank=True)  # none: as the subtype says
    means = models.CharField(max_length=MEANS_LIMIT)
    decides = models.CharField(max_length=12, default="log")
    follow = models.CharField(max_length=TEXT_LIMIT, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="own_signatures")
    state = models.CharField(max_length=8, default="in use")
    version = models.PositiveIntegerField(default=1)
    changes = models.PositiveIntegerField(default=1)  # of any kind: by their sum each process notices one
    at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def content(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in FIELDS}


class OwnVersion(models.Model):
    """What a signature said in one version."""

    signature = models.ForeignKey(OwnSignature, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()  # {name of FIELDS: value}
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["signature", "number"], name="one_version_per_number")]
        ordering: ClassVar[list[str]] = ["-number"]

    def __str__(self) -> str:
        return f"{self.signature} version {self.number}"
