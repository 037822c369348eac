"""Incidents: the inbox and the page of one."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from incidents import asset_views, views

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="incidents", http_method_names=["get", "head"]), name="home"),
    # /incidents/
    path("incidents/", views.inbox, name="incidents"),
    path("incidents/new/", views.new, name="incidents-new"),
    path("incidents/<int:number>/row/", views.row, name="incident-row"),
    # /incidents/<number>/
    path("incidents/<int:number>/", views.detail, name="incident"),
    path("incidents/<int:number>/head/", views.head, name="incident-head"),
    path("incidents/<int:number>/findings/", views.findings, name="incident-findings"),
    path("incidents/<int:number>/timeline/", views.timeline, name="incident-timeline"),
    path("incidents/<int:number>/assign/", views.assign_to, name="incident-assign"),
    path("incidents/<int:number>/comment/", views.add_comment, name="incident-comment"),
    path("incidents/<int:number>/resolve/", views.resolve_by_person, name="incident-resolve"),
    path("incidents/<int:number>/diagnose/", views.ask_diagnosis, name="incident-diagnose"),
    path("incidents/<int:number>/annotate/", views.add_annotation, name="incident-annotate"),
    path("incidents/<int:number>/mute/", asset_views.mute_for_incident, name="incident-mute"),
    # /assets/
    path("assets/", asset_views.assets, name="assets"),
    path("assets/<int:pk>/", asset_views.asset, name="asset"),
    path("assets/<int:pk>/mute/", asset_views.mute_detector, name="asset-mute"),
    path("assets/mutes/<int:pk>/lift/", asset_views.lift_mute, name="mute-lift"),
    path("assets/usual/<int:pk>/take-back/", asset_views.unlearn, name="usual-take-back"),
]
