"""Acts that wait: each is taken up, settled and closed; what cannot be now is tried again, for a while."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db import Error
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from app.core.errors import CountersignError, NotAllowed
from approvals.live import acts
from approvals.live.who import messenger_of, who
from integrations.errors import Gone, IntegrationError
from integrations.models import Act
from integrations.trouble import hindered, well

log = logging.getLogger(__name__)

HELD_FOR = timedelta(seconds=30)  # another worker takes an act up after this: then its holder died, or is waited for
MAX_ATTEMPTS = 5
BATCH = 200
SIGNAL_S = 300.0  # seconds after which what a signal said is tried all the same
GRANT = {"tokens_revoked", "app_uninstalled"}
CHANNEL = {"channel_archive", "channel_deleted", "channel_left", "group_archive", "group_deleted", "group_left"}
# What a hostile or broken act can raise on its way; each costs that act a try, and nobody else anything.
POISON = (IntegrationError, CountersignError, Error, ValueError, TypeError, LookupError, AttributeError)


def settle_open() -> int:
    """Settle what waits, oldest first; returns how many were taken up."""
    done = 0
    while found := list(_waiting().values_list("pk", flat=True)[:BATCH]):
        taken = [pk for pk in found if _take(pk)]
        done += len(taken)
        if not taken:
            break
    return done


def _waiting() -> QuerySet[Act]:
    due = Q(again_at=None) | Q(again_at__lte=Now())
    return Act.objects.filter(due, done_at=None, attempts__lt=MAX_ATTEMPTS).order_by("pk")


def _take(pk: int) -> bool:
    """Settle one, unless another worker has it."""
    if _waiting().filter(pk=pk).update(attempts=F("attempts") + 1, again_at=Now() + HELD_FOR) != 1:
        return False
    act = Act.objects.select_related("connection").get(pk=pk)
    try:
        outcome = _settle(act)
    except POISON as error:
        log.warning("act %s: %s: %s", pk, error.__class__.__name__, error)
        _failed(act, error)
    else:
        Act.objects.filter(pk=pk, done_at=None).update(done_at=Now(), outcome=outcome)
    return True


def _settle(act: Act) -> str:
    if act.kind == "event":
        return _signal(act)
    if act.kind == "command" and act.verb == "link":
        return _link(act)
    return acts.settle(act)


def _failed(act: Act, error: Exception) -> None:
    """After the last try it is closed, with its error."""
    words = f"failed: {error.__class__.__name__}: {error}"[:2000]
    row = Act.objects.filter(pk=act.pk, done_at=None)
    if act.attempts >= MAX_ATTEMPTS:
        row.update(outcome=words, done_at=Now())
    else:
        row.update(outcome=words, again_at=Now() + timedelta(seconds=act.attempts))


def _signal(act: Act) -> str:
    """The workspace says that we may no longer, or that our channel is gone or back. The web stays the door."""
    if act.verb in GRANT:
        hindered(act.connection, Gone("The app was removed, or its token revoked.", what="grant"), SIGNAL_S)
    elif act.channel != act.connection.config.get("channel"):
        return "another channel"
    elif act.verb in CHANNEL:
        hindered(act.connection, Gone("The channel was archived or deleted, or left.", what="channel"), SIGNAL_S)
    else:
        well(act.connection)
    return act.verb


def _link(act: Act) -> str:
    """`/countersign link`: the link for this account, or whose it is, whispered."""
    link = f"{settings.URL}/settings/notifications/"
    try:
        user = who(act)
    except NotAllowed as error:
        words, link, outcome = str(error), getattr(error, "link", link), "link offered"
    else:
        words, outcome = f"This Slack account is linked to {user.label}.", "linked already"
    messenger_of(act).whisper(act.channel, act.person, words, link)
    return outcome
