"""The doors that other systems knock at. Each answers JSON and changes something only by POST."""

from __future__ import annotations

from django.urls import path

from incidents import webhooks

urlpatterns = [
    # /api/v1/
    path("api/v1/lineage", webhooks.lineage, name="door-lineage"),
    path("api/v1/events", webhooks.events, name="door-events"),
    path("api/v1/dbt/artifacts", webhooks.artifacts, name="door-artifacts"),
    # /hooks/<connection>
    path("hooks/<slug:name>", webhooks.hook, name="hook"),
    path("hooks/<slug:name>/api/v1/lineage", webhooks.hook, name="hook-lineage"),
    path("hooks/<slug:name>/<str:key>", webhooks.hook, name="hook-key"),
    path("hooks/<slug:name>/<str:key>/api/v1/lineage", webhooks.hook, name="hook-key-lineage"),
]
