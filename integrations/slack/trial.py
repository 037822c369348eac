"""*Test connection*: the bot token and its scopes, the channel, and the way in."""

from __future__ import annotations

from slack_sdk import WebClient

from integrations.ports import Wiring
from integrations.slack.calls import call, client
from integrations.slack.manifest import SCOPES, SOCKET
from integrations.untrusted import mapping, text
from integrations.values import Health, Json


def test(web: WebClient, wiring: Wiring) -> Health:
    """Raises what the calls raise."""
    known = call(web, "auth.test")
    if missing := _missing(known.headers):
        hint = "Paste the manifest again under App Manifest, and install the app again."
        return Health(False, f"The app lacks the scopes {', '.join(missing)}.", hint)
    facts: Json = {"team": known["team_id"], "team_name": known["team"], "url": known["url"], "bot": known["user_id"]}
    facts = {name: text(value, 200) for name, value in facts.items()}
    channel = mapping(call(web, "conversations.info", channel=wiring.config.get("channel", ""))["channel"])
    name = text(channel.get("name"), 80)
    if channel.get("is_archived"):
        return Health(False, f"#{name} was archived.", "Unarchive it, or choose another channel.", facts)
    if not channel.get("is_member"):
        return Health(False, f"The app is not in #{name}.", "Invite it there: /invite @Countersign.", facts)
    if wiring.config.get("mode") == SOCKET:
        call(client(wiring.secret("app_token"), str(wiring.config.get("api_url", ""))), "apps.connections.open")
    facts["channel_name"] = name
    return Health(True, f"Connected to {facts['team_name']}; messages go to #{name}.", facts=facts)


def _missing(headers: object) -> list[str]:
    """Scopes that the manifest asks for and the token lacks; Slack tells in a header what it has."""
    told = {str(name).lower(): str(value) for name, value in dict(headers or {}).items()}  # type: ignore[call-overload]
    if "x-oauth-scopes" not in told:
        return []
    has = {scope.strip() for scope in told["x-oauth-scopes"].split(",")}
    return sorted(set(SCOPES) - has)
