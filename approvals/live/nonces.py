"""What a button stands for: opaque, single-use, kept here alone."""

from __future__ import annotations

import secrets
from dataclasses import replace

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from app.core.models import User
from approvals.live.models import LiveMessage, Nonce
from approvals.models import Proposal
from integrations.cards import Card

BYTES = 24  # of randomness


def armed(card: Card, message: LiveMessage, proposal: Proposal | None) -> Card:
    """The card with a nonce on each button that acts; the same nonces as long as they are unused."""
    if proposal is None:
        return card
    made = [one if one.url else replace(one, value=nonce(message, proposal, one.verb)) for one in card.buttons]
    return replace(card, buttons=tuple(made))


def nonce(message: LiveMessage, proposal: Proposal, verb: str) -> str:
    mine = Nonce.objects.filter(message=message, proposal=proposal, fingerprint=proposal.fingerprint, verb=verb)
    unused = mine.filter(used_at=None, person="")
    try:
        found = unused.first()
        with transaction.atomic():
            return (found or _made(message, proposal, verb, "")).value
    except IntegrityError:  # drawn twice at once
        return unused.get().value


def for_form(pressed: Nonce, person: str) -> str:
    """A nonce for the form that `person` opened with `pressed`, good for that person alone."""
    return _made(pressed.message, pressed.proposal, pressed.verb, person, pressed.fingerprint).value


def _made(message: LiveMessage, proposal: Proposal, verb: str, person: str, fingerprint: str | None = None) -> Nonce:
    shown = proposal.fingerprint if fingerprint is None else fingerprint
    value = secrets.token_urlsafe(BYTES)
    return Nonce.objects.create(
        value=value, message=message, proposal=proposal, fingerprint=shown, verb=verb, person=person
    )


def claim(held: Nonce, act: int) -> bool:
    """Take it for one act. The same act may come back to it after a crash; no other may have it meanwhile."""
    free = Nonce.objects.filter(pk=held.pk, used_at=None).filter(Q(act=None) | Q(act=act))
    return free.update(act=act) == 1


def release(held: Nonce, act: int) -> None:
    """Nothing came of it: whoever presses next may have it."""
    Nonce.objects.filter(pk=held.pk, act=act, used_at=None).update(act=None)


def use(held: Nonce, act: int, by: User) -> None:
    Nonce.objects.filter(pk=held.pk, act=act, used_at=None).update(used_at=Now(), used_by=by)
