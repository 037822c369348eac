"""Settings › Notifications."""

from __future__ import annotations

from django.urls import path

from app.notifications import views

urlpatterns = [
    path("settings/notifications/", views.notifications_page, name="notifications"),
    path("settings/notifications/slack/<slug:name>/", views.change_slack, name="slack-change"),
    path("settings/notifications/slack/<slug:name>/card/", views.slack_card, name="slack-card"),
    path("settings/notifications/link/<str:code>/", views.link_account, name="link-account"),
    path("settings/notifications/accounts/<int:pk>/unlink/", views.unlink_account, name="unlink-account"),
]
