"""What people know and no system does."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Annotation(models.Model):
    """A note about one asset, found again by the asset and what stands downstream of it."""

    namespace = models.CharField(max_length=300)
    asset = models.CharField(max_length=300)
    text = models.TextField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="annotations")
    incident_number = models.BigIntegerField(null=True, blank=True)  # where it was learned
    created_at = models.DateTimeField(db_default=Now())
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["namespace", "asset"])]

    def __str__(self) -> str:
        return self.asset
