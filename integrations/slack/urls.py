"""Where Slack comes in."""

from __future__ import annotations

from django.urls import path

from integrations.slack import doors

urlpatterns = [
    path("slack/interactions", doors.interactions, name="slack-interactions"),
    path("slack/commands", doors.commands, name="slack-commands"),
    path("slack/events", doors.events, name="slack-events"),
]
