"""Settings › Policy."""

from __future__ import annotations

from django.urls import path

from approvals.policy import views

urlpatterns = [
    path("settings/policy/", views.policy, name="policy"),
    path("settings/policy/file/", views.file, name="policy-file"),
    path("settings/policy/edit/", views.edit, name="policy-edit"),
    path("settings/policy/propose/", views.put_forward, name="policy-propose"),
    # /settings/policy/versions/<number>/
    path("settings/policy/versions/<int:number>/", views.version, name="policy-version"),
    path("settings/policy/versions/<int:number>/sign/", views.put_in_force, name="policy-sign"),
    path("settings/policy/versions/<int:number>/refuse/", views.turn_down, name="policy-refuse"),
]
