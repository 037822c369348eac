"""The gateway as a table of contents."""

from __future__ import annotations

from django.urls import path

from app.gateway import views

urlpatterns = [
    path("healthz", views.healthz),
    path("tools/<slug:tool>", views.tool),
]
