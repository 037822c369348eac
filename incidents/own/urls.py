"""Settings › Signatures."""

from __future__ import annotations

from django.urls import path

from incidents.own import views

urlpatterns = [
    path("settings/signatures/", views.signatures, name="signatures"),
    path("settings/signatures/try/", views.tried, name="signature-try"),
    path("settings/signatures/new/", views.new, name="signature-new"),
    # /settings/signatures/<pk>/
    path("settings/signatures/<int:pk>/", views.signature, name="signature"),
    path("settings/signatures/<int:pk>/save/", views.save, name="signature-save"),
    path("settings/signatures/<int:pk>/archive/", views.archive, name="signature-archive"),
    path("settings/signatures/<int:pk>/take-back/", views.take_back, name="signature-take-back"),
]
