"""Settings › Models."""

from __future__ import annotations

from django.urls import path

from app.agents import views

urlpatterns = [
    path("settings/models/", views.models_page, name="models"),
    path("settings/models/try/", views.try_it, name="model-try"),
    path("settings/models/tried/", views.tried, name="model-tried"),
    path("settings/models/tools/<int:pk>/trust/", views.trust, name="tool-trust"),
]
