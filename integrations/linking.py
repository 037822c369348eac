"""Which person an account in a messenger is: said by that person, in the console, signed in, and by nothing else.

Whoever acts from an account that nobody linked gets a link, seen by them alone. It names that one account, works once
and for a short time. Never is anybody found by a name, an e-mail address or a channel.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.urls import reverse

from app.core import audit, stepup
from app.core.audit import Actor, Source
from app.core.errors import Expired, Invalid
from app.core.models import User
from app.core.roles import require
from integrations.cards import Member
from integrations.models import Connection, LinkedAccount, LinkOffer

CODE_BYTES = 24  # of randomness
GOOD_FOR = timedelta(minutes=10)
OVER = "This link is used or over. Press again in Slack, or write /countersign link there, for a new one."


def offer(connection: Connection, member: Member) -> str:
    """A link into the console that asks whoever opens it whether `member` is them. Those of before are void."""
    code = secrets.token_urlsafe(CODE_BYTES)
    with transaction.atomic():
        mine = LinkOffer.objects.filter(connection=connection, team=member.team, person=member.id)
        mine.filter(used_at=None).delete()
        LinkOffer.objects.create(
            digest=_digest(code),
            connection=connection,
            team=member.team,
            person=member.id,
            name=member.name[:80],
            email=member.email[:254],
            expires_at=Now() + GOOD_FOR,
        )
    return f"{settings.URL}{reverse('link-account', args=[code])}"


def look(code: str) -> LinkOffer:
    """What the link asks. Raises Expired for one that is used, over or unknown: which of them, nobody is told."""
    rows = LinkOffer.objects.select_related("connection").filter(digest=_digest(code), used_at=None)
    found = rows.filter(expires_at__gt=Now(), connection__enabled=True).first()
    if found is None:
        raise Expired(OVER)
    return found


def resembles(found: LinkOffer, person: User) -> bool:
    """Whether the account has this person's e-mail address: a warning where it has not, and never a proof."""
    return bool(person.email) and found.email.casefold() == person.email.casefold()


def confirm(code: str, *, sure: bool, by: User, actor: Actor, source: Source) -> LinkedAccount:
    """Make the account theirs, once.

    Raises Expired; StepUpNeeded, because from then on the account signs as they do; Invalid for an account that is
    somebody else's already, or that does not resemble this person while they do not say that they are sure.
    """
    require(by, "account.own")
    found = look(code)
    stepup.require_fresh(actor)
    if not sure and not resembles(found, by):
        raise Invalid("This account has another e-mail address than yours. Say that it is yours all the same.")
    try:
        with transaction.atomic():
            if LinkOffer.objects.filter(pk=found.pk, used_at=None, expires_at__gt=Now()).update(used_at=Now()) != 1:
                raise Expired(OVER)
            place = {"connection": found.connection, "team": found.team, "person": found.person}
            made = LinkedAccount.objects.create(user=by, name=found.name, **place)
            _record("account.linked", made, actor=actor, source=source)
    except IntegrityError as error:
        raise Invalid("This account is linked already. Its person, or an administrator, can unlink it.") from error
    return made


def unlink(account: LinkedAccount, *, by: User, actor: Actor, source: Source) -> None:
    """Its person, or somebody who manages people, takes it back: what comes from it decides nothing from now on."""
    require(by, "account.own" if account.user_id == by.pk else "people.manage")
    with transaction.atomic():
        _record("account.unlinked", account, actor=actor, source=source)
        account.delete()


def _record(event: str, account: LinkedAccount, *, actor: Actor, source: Source) -> None:
    where = {"connection": account.connection.name, "team": account.team, "account": account.person}
    audit.record(event, account.user, actor=actor, source=source, detail={**where, "name": account.name})


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
