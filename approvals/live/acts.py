"""What somebody did in a messenger becomes a decision, a form, a comment, an answer, or a refusal in words.

An act is only a request: everything is read again here, and `decide` reads it once more. However often an act is
delivered, taken up or repeated after a crash, it has one effect.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from app.core import audit
from app.core.audit import Actor
from app.core.errors import Blocked, CountersignError, Expired, Invalid, NotAllowed, Stale
from app.core.models import User
from app.core.roles import require
from approvals.decide import decide
from approvals.live import nonces
from approvals.live.buttons import is_signed_here
from approvals.live.forms import FORMS, Typed, typed
from approvals.live.models import Nonce
from approvals.live.sync import bring_up
from approvals.live.talk import asked, said
from approvals.live.who import door_of, messenger_of, session_of, stranger, who
from approvals.models import Decision, Proposal
from approvals.propose import restage
from integrations.errors import IntegrationError
from integrations.models import Act

log = logging.getLogger(__name__)

SETTLING = 7402  # class of advisory locks, one for each act
LATE = timedelta(seconds=2.7)  # after it reached the door: a trigger opens a form for three
USED = "Somebody pressed this already. The message shows what is there now."
OLD = "This button is not current any more. The message shows what is there now."
ELSEWHERE = "This proposal is signed in the console, because of its risk or by the policy."
TOO_LATE = "The form could not be opened in time. Press again, or decide in the console."


def settle(act: Act) -> str:
    """Do what was asked, once, and close the act; returns what came of it, in words. A second worker waits for it."""
    with _alone(act):
        act.refresh_from_db()
        if act.done_at is not None:
            return act.outcome
        outcome = _HANDLERS.get(act.kind, _ignored)(act)
        Act.objects.filter(pk=act.pk, done_at=None).update(done_at=Now(), outcome=outcome)
        return outcome


@contextmanager
def _alone(act: Act) -> Iterator[None]:
    """Across processes, and let go of by the database when a worker dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [SETTLING, act.pk % 2**31])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [SETTLING, act.pk % 2**31])


def _ignored(act: Act) -> str:
    return "ignored"


# --- a button ----------------------------------------------------------------------------------------------------


def _pressed(act: Act) -> str:
    held = _nonce(act)
    if held is None:
        return _refused(act, None, None, Stale(OLD))
    try:
        _require_own(act, held)
        user = who(act)
        if held.verb in FORMS:
            return _open(act, held, user)
        return _act(act, held, user, Typed())
    except CountersignError as error:
        return _refused(act, held, None, error)


def _nonce(act: Act) -> Nonce | None:
    rows = Nonce.objects.select_related("message__connection", "message__incident", "proposal__incident")
    return rows.filter(value=act.nonce).first() if act.nonce else None


def _require_own(act: Act, held: Nonce) -> None:
    """It must be the button's own verb, in the message for which it was made, and nobody's form."""
    place = (held.message.connection_id, held.message.channel, held.message.message, held.verb, "")
    if place != (act.connection_id, act.channel, act.message, act.verb, held.person):
        raise Stale(OLD)
    _require_current(act, held)


def _require_current(act: Act, held: Nonce) -> None:
    if held.used_at is not None and held.act != act.pk:
        raise Stale(USED)
    if held.fingerprint != held.proposal.fingerprint:
        raise Stale()


def _open(act: Act, held: Nonce, user: User) -> str:
    require(user, "proposal.decide")
    if held.proposal.status != "awaiting_decision":
        raise Stale(OLD)
    form = FORMS[held.verb](held.proposal, nonces.for_form(held, act.person))
    try:
        if timezone.now() - act.received_at > LATE:
            return _whispered(act, held, TOO_LATE, "too late for the form")
        messenger_of(act).open_form(act.trigger, form)
    except IntegrationError as error:
        log.warning("form of act %s not opened: %s", act.pk, error.__class__.__name__)
        return _whispered(act, held, TOO_LATE, f"form not opened: {error}")
    return "form opened"


# --- a form that was sent ------------------------------------------------------------------------------------------


def _sent(act: Act) -> str:
    held = _nonce(act)
    if held is None or held.message.connection_id != act.connection_id:
        return _refused(act, None, None, Stale(OLD))
    try:
        if not held.person or held.person != act.person:
            raise NotAllowed("Somebody else opened this form.")
        _require_current(act, held)
        return _act(act, held, who(act), typed(act.payload))
    except CountersignError as error:
        return _refused(act, held, None, error)


# --- the effect ----------------------------------------------------------------------------------------------------


def _act(act: Act, held: Nonce, user: User, sent: Typed) -> str:
    """The nonce is this act's while it is at it, and spent when something came of it."""
    if not nonces.claim(held, act.pk):
        raise Stale(USED)
    try:
        _do(act, held, user, sent)
    except CountersignError as error:
        nonces.release(held, act.pk)
        return _refused(act, held, user, error)
    except IntegrationError as error:
        nonces.release(held, act.pk)
        return _refused(act, held, user, Invalid(f"A target could not be read, so nothing was done: {error}"))
    nonces.use(held, act.pk, user)
    bring_up(held.message)
    return held.verb


def _do(act: Act, held: Nonce, user: User, sent: Typed) -> None:
    if Decision.objects.filter(proposal=held.proposal, source__act=str(act.pk)).exists():
        return  # it was decided, and the worker died before it could say so
    actor, source = Actor.of(user, session_of(act)), door_of(act)
    proposal = Proposal.objects.select_related("incident").get(pk=held.proposal_id)
    if held.verb == "restage":
        require(user, "incident.work")
        restage(proposal, actor=actor, source=source)
        return
    if held.verb == "approve" and not is_signed_here(proposal):
        raise Elsewhere(ELSEWHERE)
    decide(
        proposal,
        held.verb,
        fingerprint=held.fingerprint,
        by=user,
        actor=actor,
        source=source,
        reason=sent.reason,
        comment=sent.comment,
        another_way=sent.another_way,
    )


class Elsewhere(NotAllowed):
    """This door does not take such a signature."""


# --- refusals ------------------------------------------------------------------------------------------------------


def _refused(act: Act, held: Nonce | None, user: User | None, error: CountersignError) -> str:
    """In words to whoever pressed, and in the trail; what was stale is drawn again. `decide` has recorded its own."""
    if user is None or isinstance(error, Elsewhere) or (held and held.verb == "restage"):
        _deny(act, held, user, error)
    if held is not None and isinstance(error, Stale | Expired | Blocked | Elsewhere):
        bring_up(held.message)
    return _whispered(act, held, f"{error} Nothing was decided.", f"refused: {error}", getattr(error, "link", ""))


def _deny(act: Act, held: Nonce | None, user: User | None, error: CountersignError) -> None:
    subject = held.proposal if held else f"{act.kind} {act.verb}"[:200]
    audit.record(
        "decision.denied",
        subject,
        actor=Actor.of(user) if user else stranger(act),
        source=door_of(act),
        reason=str(error),
        outcome="denied",
        error_code=error.code,
        detail={"decision": act.verb[:16], "status": error.status, "act": act.pk},
    )


def _whispered(act: Act, held: Nonce | None, words: str, outcome: str, link: str = "") -> str:
    """A whisper that does not arrive changes nothing of what came of the act."""
    page = (
        f"{settings.URL}/incidents/{held.message.incident.number}/#proposal" if held else f"{settings.URL}/approvals/"
    )
    try:
        messenger_of(act).whisper(
            act.channel or (held.message.channel if held else ""), act.person, words, link or page
        )
    except IntegrationError as error:
        log.warning("act %s not answered: %s", act.pk, error.__class__.__name__)
    return outcome


_HANDLERS: dict[str, Callable[[Act], str]] = {
    "block_actions": _pressed,
    "view_submission": _sent,
    "command": asked,
    "message": said,
}
