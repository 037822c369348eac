"""What Slack delivers, as arrivals: the few fields that are kept. Pure, and believes nothing but their shape."""

from __future__ import annotations

from integrations.postbox import Arrival
from integrations.slack.blocks import AGAIN, LINK
from integrations.slack.limits import TYPED
from integrations.untrusted import mapping, rows, text
from integrations.values import Json

# Events that say that something stands in our way, or no longer does.
SIGNALS = {"tokens_revoked", "app_uninstalled", "channel_archive", "channel_unarchive", "channel_deleted",
           "channel_left", "group_archive", "group_unarchive", "group_deleted", "group_left"}  # fmt: skip
ID, STAMP = 40, 100  # characters of the columns


def interaction(payload: Json) -> Arrival | None:
    """A pressed button or a sent form; None for what is neither, such as a button that is only a link."""
    match payload.get("type"):
        case "block_actions":
            return _pressed(payload)
        case "view_submission":
            return _submitted(payload)
    return None


def command(given: Json) -> Arrival | None:
    """A slash command: the first word is the verb."""
    words = text(given.get("text"), TYPED).split()
    trigger = text(given.get("trigger_id"), STAMP)
    return _whole(
        Arrival(
            team=text(given.get("team_id"), ID),
            person=text(given.get("user_id"), ID),
            kind="command",
            verb=words[0].lower()[:60] if words else "",
            channel=text(given.get("channel_id"), ID),
            trigger=trigger,
            action_ts=trigger,
            payload={"text": text(given.get("text"), TYPED)},
        )
    )


def event(payload: Json, us: str = "") -> Arrival | None:
    """A reply of a person in a thread of ours, or a signal. `us` is our own user there, where it is known."""
    said = mapping(payload.get("event"))
    kind, team = said.get("type"), text(payload.get("team_id"), ID)
    if kind in SIGNALS:
        name = text(payload.get("event_id"), STAMP)
        place = text(said.get("channel"), ID)
        return _whole(Arrival(team=team, person="slack", kind="event", verb=str(kind), channel=place, action_ts=name))
    if kind != "message" or not _is_reply(said, us):
        return None
    return _whole(
        Arrival(
            team=text(said.get("user_team"), ID) or text(said.get("team"), ID) or team,
            person=text(said.get("user"), ID),
            kind="message",
            channel=text(said.get("channel"), ID),
            message=text(said.get("thread_ts"), ID),
            action_ts=text(said.get("ts"), STAMP),
            payload={"text": text(said.get("text"), TYPED)},
        )
    )


def _is_reply(said: Json, us: str) -> bool:
    """Of a person, in the thread under a message of ours: nothing else that is said in a channel is kept."""
    plain = not said.get("subtype") and not said.get("bot_id") and not said.get("hidden")
    below = text(said.get("thread_ts")) not in ("", text(said.get("ts")))
    return plain and below and (not us or said.get("parent_user_id") in (None, us)) and said.get("user") != us


def _pressed(payload: Json) -> Arrival | None:
    action = mapping(next(iter(rows(payload.get("actions"))), None))
    container = mapping(payload.get("container"))
    verb = text(action.get("action_id"), 255)
    if verb.startswith(LINK):
        return None
    return _whole(
        Arrival(
            team=_team(payload),
            person=_person(payload),
            kind="block_actions",
            verb=verb.partition(AGAIN)[0],
            nonce=text(action.get("value"), 200),
            channel=text(container.get("channel_id"), ID) or text(mapping(payload.get("channel")).get("id"), ID),
            message=text(container.get("message_ts"), ID),
            trigger=text(payload.get("trigger_id"), STAMP),
            action_ts=text(action.get("action_ts"), STAMP),
        )
    )


def _submitted(payload: Json) -> Arrival | None:
    view = mapping(payload.get("view"))
    typed = {}
    for name, inputs in list(mapping(mapping(view.get("state")).get("values")).items())[:20]:
        element = mapping(next(iter(mapping(inputs).values()), None))
        chosen = mapping(element.get("selected_option")).get("value")
        typed[str(name)[:60]] = text(chosen if chosen is not None else element.get("value"), TYPED)
    return _whole(
        Arrival(
            team=_team(payload),
            person=_person(payload),
            kind="view_submission",
            verb=text(view.get("callback_id"), 255),
            nonce=text(view.get("private_metadata"), 200),
            trigger=text(payload.get("trigger_id"), STAMP),
            action_ts=f"{text(view.get('id'), 40)}:{text(view.get('hash'), 50)}",  # one view is sent once
            payload=typed,
        )
    )


def _team(payload: Json) -> str:
    """Of the person, who may come from another workspace than the message."""
    return text(mapping(payload.get("user")).get("team_id"), ID) or text(mapping(payload.get("team")).get("id"), ID)


def _person(payload: Json) -> str:
    return text(mapping(payload.get("user")).get("id"), ID)


def _whole(made: Arrival) -> Arrival | None:
    """None where it lacks what tells it from others."""
    return made if made.team and made.person and made.action_ts else None
