"""Proposals: the queue, the part of the incident page, and what people do with them."""

from __future__ import annotations

from django.urls import path

from approvals import freeze_page, switch_page, views
from approvals.asking import page

urlpatterns = [
    path("approvals/", views.queue, name="approvals"),
    path("incidents/<int:number>/proposal/", views.proposal, name="proposal"),
    # /proposals/<pk>/
    path("proposals/<int:pk>/sign/", views.sign, name="proposal-sign"),
    path("proposals/<int:pk>/row/", views.row, name="proposal-row"),
    path("proposals/<int:pk>/decisions/", views.make_decision, name="proposal-decide"),
    path("proposals/<int:pk>/restage/", views.stage_again, name="proposal-restage"),
    path("executions/<int:pk>/undo/", views.undo, name="execution-undo"),
    path("asked/<str:token>/", page.asked, name="asked"),  # for who was asked, without an account
    # /settings/kill-switch/
    path("settings/kill-switch/", switch_page.page, name="kill-switch"),
    path("settings/kill-switch/press/", switch_page.press, name="kill-switch-press"),
    path("settings/kill-switch/<int:pk>/lift/", switch_page.lift, name="kill-switch-lift"),
    # /settings/freezes/
    path("settings/freezes/", freeze_page.page, name="freezes"),
    path("settings/freezes/declare/", freeze_page.declare, name="freeze-declare"),
    path("settings/freezes/<int:pk>/end/", freeze_page.end, name="freeze-end"),
]
