"""Settings › Connections."""

from __future__ import annotations

from django.urls import path

from integrations import views

urlpatterns = [
    path("settings/", views.connections_page, name="settings"),
    path("settings/connections/add/", views.kinds, name="connection-kinds"),
    path("settings/connections/add/<slug:kind>/", views.add, name="connection-add"),
    path("settings/connections/<slug:name>/", views.change, name="connection-change"),
    path("settings/connections/<slug:name>/card/", views.card, name="connection-card"),
]
