"""The site as a table of contents."""

from __future__ import annotations

from django.urls import include, path

from app import health

urlpatterns = [
    path("", include("app.accounts.urls")),  # sign-in, people, tokens
    path("", include("app.trail.urls")),  # audit
    path("", include("integrations.urls")),  # settings › connections
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
]
