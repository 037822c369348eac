"""The gateway as a table of contents."""

from __future__ import annotations

from django.urls import path

from app.gateway import mcp, views

handler400 = handler403 = handler404 = "app.gateway.views.nothing"
handler500 = "app.gateway.views.failed"

urlpatterns = [
    path("healthz", views.healthz),
    path("tools/<slug:tool>", views.tool),
    path("mcp", mcp.mcp),
    path("model/v1/<path:path>", views.model),
]
