"""The audit trail."""

from __future__ import annotations

from django.urls import path

from app.trail import views

urlpatterns = [
    path("audit/", views.trail_page, name="audit"),
    path("audit/export/", views.export, name="audit-export"),
    path("audit/<int:pk>/", views.record_drawer, name="audit-record"),
]
