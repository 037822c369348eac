"""Slack: live messages in a team's channel, with buttons, a thread and forms. A press is only a request."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from slack_sdk import WebClient

from integrations.cards import Card, Form, Member, Posted
from integrations.errors import Gone, IntegrationError
from integrations.ports import Wiring
from integrations.slack import blocks, trial
from integrations.slack.advice import WHAT_TO_DO
from integrations.slack.calls import call, client
from integrations.slack.people import member
from integrations.values import Health, Json, Notice

# Nothing is unfurled, linked or looked up in what we send.
QUIET: Json = {"unfurl_links": False, "unfurl_media": False, "mrkdwn": False, "link_names": False, "parse": "none"}


class Connector:
    """An app in one workspace, by the secret `token`; the channel is the connection's default."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring

    @property
    def channel(self) -> str:
        return str(self.wiring.config.get("channel", ""))

    @cached_property
    def web(self) -> WebClient:
        """Raises SecretUnavailable in a process that may not open the vault."""
        return client(self.wiring.secret("token"), str(self.wiring.config.get("api_url", "")))

    def post(self, notice: Notice) -> str:
        links = [("Open in the console", notice.link)] if notice.link else []
        shown = blocks.words(f"{notice.subject}\n{notice.text}", links)
        return self._post(self.channel, shown, notice.subject).id

    def post_card(self, channel: str, card: Card) -> Posted:
        return self._post(channel or self.channel, blocks.card(card), card.title)

    def update_card(self, at: Posted, card: Card) -> None:
        said = {"text": blocks.notification(card.title), "blocks": blocks.card(card)}
        call(self.web, "chat.update", channel=at.channel, ts=at.id, **said, link_names=False, parse="none")

    def reply(self, at: Posted, text: str, links: Sequence[tuple[str, str]] = ()) -> Posted:
        return self._post(at.channel, blocks.words(text, links), text, thread_ts=at.id)

    def whisper(self, channel: str, person: str, text: str, link: str = "") -> None:
        """In the channel; where the app is not in it, as a message to the person."""
        shown = blocks.words(text, [("Open in the console", link)] if link else [])
        said = {"text": blocks.notification(text), "blocks": shown}
        try:
            call(self.web, "chat.postEphemeral", channel=channel, user=person, **said, link_names=False, parse="none")
        except Gone as error:
            if error.what != "channel":
                raise
            self._post(person, shown, text)

    def open_form(self, trigger: str, form: Form) -> None:
        call(self.web, "views.open", trigger_id=trigger, view=blocks.form(form))

    def member(self, person: str) -> Member:
        return member(self.web, person, team=str(call(self.web, "auth.test")["team_id"] or ""))

    def test(self) -> Health:
        """Of the tokens, the scopes and the channel, without a word in it."""
        try:
            return trial.test(self.web, self.wiring)
        except Gone as error:
            return Health(False, str(error), WHAT_TO_DO.get(error.what, ""))
        except IntegrationError as error:
            return Health(False, str(error), WHAT_TO_DO["grant" if error.permanent else "away"])

    def _post(self, channel: str, shown: list[Json], title: str, **more: Any) -> Posted:
        text = blocks.notification(title)
        answer = call(self.web, "chat.postMessage", channel=channel, text=text, blocks=shown, **QUIET, **more)
        return Posted(str(answer["channel"]), str(answer["ts"]))
