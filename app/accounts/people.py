"""Invite, change and disable people. Nobody can take the last administrator away."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.contrib.auth.tokens import default_token_generator
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from app.accounts import second_factor
from app.core import audit
from app.core.audit import Actor, Source
from app.core.errors import Invalid
from app.core.models import User
from app.core.roles import ADMINISTRATOR, ROLES, require
from app.core.sessions import end_sessions

GROUP = re.compile(r"[\w-]{1,40}")
MOST_GROUPS = 20  # of one person


def invite(
    username: str, *, email: str, name: str, roles: Iterable[str], on_call: bool, by: User, actor: Actor, source: Source
) -> User:
    """A new person without a password; `welcome_link` lets them choose one. Raises Invalid for a name that is taken."""
    require(by, "people.manage")
    first, _, last = name.strip().partition(" ")
    person = User(username=username, email=email, first_name=first, last_name=last, invited_at=timezone.now())
    person.roles, person.on_call = known(roles), on_call
    person.set_unusable_password()
    try:
        with transaction.atomic():
            person.save()
            audit.record("person.created", person, actor=actor, source=source, detail={"roles": person.roles})
    except IntegrityError as error:
        raise Invalid(f"There is already somebody called {username}. Choose another name.") from error
    return person


def change(
    person: User, *, roles: Iterable[str], groups: Iterable[str], on_call: bool, by: User, actor: Actor, source: Source
) -> None:
    """Replace roles and groups. Raises Invalid when nobody would be left to administrate."""
    require(by, "people.manage")
    after, member_of = known(roles), named(groups)
    with transaction.atomic():
        before = list(User.objects.select_for_update().get(pk=person.pk).roles)
        if ADMINISTRATOR in before and ADMINISTRATOR not in after:
            _someone_else_administrates(person)
        person.roles, person.member_of, person.on_call = after, member_of, on_call
        person.save(update_fields=["roles", "member_of", "on_call"])
        if set(before) - set(after) or second_factor.is_missing(person):
            end_sessions(person)
        detail = {"on_call": on_call, "groups": member_of}
        words = (", ".join(before), ", ".join(after))
        audit.record(
            "person.changed", person, actor=actor, source=source, before=words[0], after=words[1], detail=detail
        )


def disable(person: User, *, by: User, actor: Actor, source: Source) -> None:
    """End every session and token of the person at once. What they signed stays."""
    require(by, "people.manage")
    with transaction.atomic():
        if ADMINISTRATOR in person.roles:
            _someone_else_administrates(person)
        person.is_active = False
        person.save(update_fields=["is_active"])
        end_sessions(person)
        audit.record("person.disabled", person, actor=actor, source=source)


def enable(person: User, *, by: User, actor: Actor, source: Source) -> None:
    require(by, "people.manage")
    with transaction.atomic():
        person.is_active = True
        person.save(update_fields=["is_active"])
        audit.record("person.changed", person, actor=actor, source=source, before="disabled", after="enabled")


def offer_link(person: User, *, by: User, actor: Actor, source: Source) -> None:
    """Put on record who made a link, because whoever has it becomes that person."""
    require(by, "people.manage")
    audit.record("person.link_made", person, actor=actor, source=source)


def welcome_parts(person: User) -> tuple[str, str]:
    """`(uid, token)` of the link with which a person chooses a password; it works once, for three days."""
    return urlsafe_base64_encode(force_bytes(person.pk)), default_token_generator.make_token(person)


def known(roles: Iterable[str]) -> list[str]:
    chosen = [role for role in ROLES if role in set(roles)]
    if not chosen or set(roles) - set(ROLES):
        raise Invalid(f"Choose at least one role of: {', '.join(ROLES)}.")
    return chosen


def named(groups: Iterable[str]) -> list[str]:
    """Groups, each once and in order. A group is there as soon as somebody is in it; a policy may name it."""
    found = sorted({group.strip() for group in groups} - {""})
    if len(found) > MOST_GROUPS or any(not GROUP.fullmatch(group) for group in found):
        raise Invalid(f"A group has 1 to 40 letters, digits, - or _, and a person at most {MOST_GROUPS} of them.")
    return found


def _someone_else_administrates(person: User) -> None:
    others = User.objects.filter(Q(is_active=True), roles__contains=[ADMINISTRATOR]).exclude(pk=person.pk)
    if not others.exists():
        raise Invalid(f"{person.label} is the only administrator. Make somebody else one first.")
