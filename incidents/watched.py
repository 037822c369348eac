"""What people told the detectors: be silent about this until then, and this is usual from now on."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

CHECK_LIMIT = 160  # characters of a check's name: its kind, a colon and columns


class Mute(models.Model):
    """A detector that says nothing for a while, with the reason. It still looks, so that the history has no hole."""

    asset = models.ForeignKey("incidents.Asset", models.CASCADE, related_name="mutes")
    check_name = models.CharField(max_length=CHECK_LIMIT, blank=True)  # empty: every detector of the asset
    reason = models.CharField(max_length=500)
    until = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())
    incident_number = models.BigIntegerField(null=True, blank=True)  # from whose page it was muted
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["asset", "until"], condition=Q(lifted_at=None), name="mute_standing")]

    def __str__(self) -> str:
        return f"{self.asset} {self.check_name or 'all detectors'}"


class Widening(models.Model):
    """An incident was closed as expected: from then on this is usual too. Taken back, never deleted."""

    asset = models.ForeignKey("incidents.Asset", models.CASCADE, related_name="widenings")
    check_name = models.CharField(max_length=CHECK_LIMIT)
    low = models.FloatField(null=True, blank=True)  # the band reaches down to this, or up to `high`
    high = models.FloatField(null=True, blank=True)
    values = models.JSONField(default=list)  # for sets: what belongs to them too
    incident_number = models.BigIntegerField()
    reason = models.CharField(max_length=500, blank=True)
    by_name = models.CharField(max_length=200)  # a person's, or the worker's that followed a note
    at = models.DateTimeField(db_default=Now())
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["asset"], condition=Q(withdrawn_at=None), name="widening_standing")]

    def __str__(self) -> str:
        return f"{self.asset} {self.check_name}"
