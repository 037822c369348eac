"""The app manifest to paste at Slack: everything that the app may do, and where Slack reaches us."""

from __future__ import annotations

from integrations.values import Json

SOCKET = "socket"  # the mode of a connection that calls Slack itself
# Why each: write messages; look up who pressed; the command; replies in threads of channels that it was invited to.
SCOPES = ("chat:write", "users:read", "users:read.email", "commands", "channels:read", "groups:read",
          "channels:history", "groups:history")  # fmt: skip
EVENTS = ("message.channels", "message.groups", "channel_archive", "channel_unarchive", "channel_deleted",
          "group_archive", "group_unarchive", "group_deleted", "channel_left", "group_left",
          "tokens_revoked", "app_uninstalled")  # fmt: skip
INTERACTIONS, COMMANDS, EVENTS_PATH = "/slack/interactions", "/slack/commands", "/slack/events"


def manifest(url: str, *, socket: bool) -> Json:
    """For an app that Slack reaches at `url`, or for one that calls Slack itself (Socket Mode)."""
    command: Json = {
        "command": "/countersign",
        "description": "What is mine to sign; link: make this Slack account mine",
        "usage_hint": "[link]",
        "should_escape": True,
    }
    events: Json = {"bot_events": list(EVENTS)}
    interactivity: Json = {"is_enabled": True}
    if not socket:
        command["url"] = f"{url}{COMMANDS}"
        events["request_url"] = f"{url}{EVENTS_PATH}"
        interactivity["request_url"] = f"{url}{INTERACTIONS}"
    return {
        "display_information": {
            "name": "Countersign",
            "description": "Incidents of data pipelines, and fixes that people countersign",
        },
        "features": {
            "bot_user": {"display_name": "Countersign", "always_online": True},
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket,
            "token_rotation_enabled": False,
        },
    }
