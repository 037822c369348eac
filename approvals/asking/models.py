"""What people answered."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models.functions import Now

LABELS = {"done": "Done", "not_me": "Not me", "more_time": "More time", "words": "A word"}


class Answer(models.Model):
    """One answer of whoever holds the link of a request. It is never a decision, and never changed."""

    request = models.ForeignKey("approvals.Request", models.CASCADE, related_name="answers")
    kind = models.CharField(max_length=10)  # done, not_me, more_time, words
    words = models.TextField(blank=True)
    name = models.CharField(max_length=120, blank=True)  # with not_me: who it is instead, if they know
    until = models.DateTimeField(null=True, blank=True)  # with more_time
    at = models.DateTimeField(db_default=Now())
    source = models.JSONField(default=dict)  # door, ip and user agent

    class Meta:
        app_label = "approvals"
        indexes = [models.Index(fields=["request", "at"], name="answer_of")]
        triggers = [pgtrigger.Protect(name="answer_is_kept", operation=pgtrigger.Update)]

    @property
    def label(self) -> str:
        return LABELS[self.kind]
