"""What is said and asked in a messenger, decisions aside: replies in a thread, and what is mine to sign."""

from __future__ import annotations

import html
import logging
import re

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from app.core.audit import Actor
from app.core.errors import CountersignError, NotAllowed
from app.core.roles import may
from approvals import queries
from approvals.live.models import LiveMessage
from approvals.live.view import clock, line
from approvals.live.who import door_of, messenger_of, session_of, who
from approvals.models import Proposal
from approvals.signing import given_to
from incidents.teach import teach
from incidents.work import comment
from integrations.errors import IntegrationError
from integrations.models import Act
from knowledge.models import Entry

log = logging.getLogger(__name__)

NOTE = re.compile(r"(?is)^\s*note:\s*(\S.*)$")  # an author says so by the first word
MENTION = re.compile(r"<([@#!])([^>|]{1,80})(?:\|([^>]{0,80}))?>|<([^>|\s]{1,2000})(?:\|[^>]{0,2000})?>")
LISTED = 10  # proposals that a command names; the rest is counted


def said(act: Act) -> str:
    """A reply in the thread of a live message becomes a comment on its incident, and a draft where it says `note:`.

    The comment, the draft and the end of the act are one transaction, so that a crash cannot say it twice.
    """
    rows = LiveMessage.objects.select_related("incident__root_asset")
    found = rows.filter(connection=act.connection_id, channel=act.channel, message=act.message).first()
    words = plain(str(act.payload.get("text", "")))
    if found is None or not act.message or not words.strip():
        return "ignored"
    try:
        user = who(act)
    except NotAllowed as error:
        return f"not a comment: {error}"  # in a channel people talk: nobody is told off for it
    actor, source = Actor.of(user, session_of(act)), door_of(act)
    note, draft = NOTE.match(words), None
    try:
        with transaction.atomic():
            comment(found.incident, words, by=user, actor=actor, source=source)
            if note:
                draft = teach(found.incident, note[1], by=user, actor=actor, source=source)
            outcome = "comment and draft of a note" if draft else "comment"
            if Act.objects.filter(pk=act.pk, done_at=None).update(done_at=Now(), outcome=outcome) != 1:
                raise Again
    except Again:
        return "comment"
    except CountersignError as error:
        _whisper(act, f"{error} It was not kept as a comment.", _page(found))
        return f"refused: {error}"
    if draft:
        _whisper(act, "Kept as the draft of a note. It counts once somebody signs it.", _entry(draft))
    return outcome


class Again(Exception):
    """Another worker has settled this act."""


def asked(act: Act) -> str:
    """`/countersign`: what is mine to sign, for my eyes alone."""
    try:
        user = who(act)
    except NotAllowed as error:
        _whisper(act, str(error), getattr(error, "link", "") or f"{settings.URL}/approvals/")
        return f"refused: {error}"
    if not may(user, "proposal.decide"):
        _whisper(act, "Nothing: signing needs the approver role.", f"{settings.URL}/approvals/")
        return "listed"
    mine = queries.for_me(user).select_related("incident").prefetch_related("decisions__by")
    waiting = list(mine.order_by("expires_at", "pk")[: LISTED + 1])
    _whisper(act, _list(waiting), f"{settings.URL}/approvals/")
    return "listed"


def _list(waiting: list[Proposal]) -> str:
    if not waiting:
        return "Nothing waits for your signature."
    more = "\n… and more in the console." if len(waiting) > LISTED else ""
    return "\n".join(["Yours to sign:", *(_row(one) for one in waiting[:LISTED])]) + more


def _row(one: Proposal) -> str:
    given, quorum = len(given_to(one)), one.policy.get("quorum", 1)
    until = f", expires {clock(one.expires_at, one.incident.opened_at)} UTC" if one.expires_at else ""
    return f"• {one.incident}: {line(one.title, 120)}. {one.risk.capitalize()} risk, {given} of {quorum} signed{until}."


def plain(text: str) -> str:
    """What a person typed: Slack escapes three characters and wraps links and mentions."""
    return html.unescape(MENTION.sub(_shown, text))


def _shown(found: re.Match[str]) -> str:
    kind, name, label, link = found.groups()
    return link if link else f"{kind if kind != '!' else '@'}{label or name}"


def _whisper(act: Act, words: str, link: str) -> None:
    try:
        messenger_of(act).whisper(act.channel, act.person, words, link)
    except IntegrationError as error:
        log.warning("act %s not answered: %s", act.pk, error.__class__.__name__)


def _page(message: LiveMessage) -> str:
    return f"{settings.URL}/incidents/{message.incident.number}/"


def _entry(draft: Entry) -> str:
    return f"{settings.URL}/knowledge/{draft.pk}/"
