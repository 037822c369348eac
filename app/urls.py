"""The site as a table of contents."""

from __future__ import annotations

from django.urls import include, path

from app import health
from app.api import api

urlpatterns = [
    path("", include("incidents.urls")),  # inbox, incident
    path("", include("knowledge.urls")),  # what people know
    path("", include("incidents.own.urls")),  # settings › signatures
    path("", include("incidents.knowledge_urls")),  # and what that says of incidents
    path("", include("approvals.policy.urls")),  # settings › policy
    path("", include("approvals.urls")),  # proposal, queue, decisions
    path("", include("app.trail.urls")),  # audit
    path("", include("integrations.urls")),  # settings › connections
    path("", include("app.agents.urls")),  # settings › models
    path("", include("app.notifications.urls")),  # settings › notifications
    path("", include("app.accounts.urls")),  # sign-in, people, tokens
    path("", include("integrations.slack.urls")),  # where Slack comes in
    path("", include("incidents.doors")),  # where events come in
    path("api/", api.urls),  # /api/v1/..., /api/docs
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
]
