"""The second factor: one-time codes of an authenticator (RFC 6238), and recovery codes for the day it is lost."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

import pyotp.totp
import segno
from django.db import transaction
from django.db.models.functions import Now

from app.core import audit, clock, inbound
from app.core.audit import Actor, Source
from app.core.errors import Invalid
from app.core.models import RecoveryCode, SecondFactor, SignInRules, User
from app.core.roles import require
from app.core.sessions import end_sessions

STEP_S = 30  # seconds that a code is shown
EITHER_WAY = 1  # steps that a clock may be off
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
CODES, GROUPS, GROUP = 10, 4, 4  # recovery codes of four groups of four: 79 bits each


class WrongCode(Invalid):
    """That is not the code it shows now. Check the clock of your phone, and type the next one."""


def has(user: User) -> bool:
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def demanded(user: User) -> bool:
    """Whether the rules want a second factor of somebody with these roles."""
    return bool(set(demanded_roles()) & set(user.roles))


def is_missing(user: User) -> bool:
    """Demanded, and not there: such a person signs in again and sets one up before anything else."""
    return demanded(user) and not has(user)


def demanded_roles() -> list[str]:
    rules = SignInRules.objects.first()
    return rules.second_factor_roles if rules else []


def begin(user: User) -> str:
    """The secret of a new authenticator, in base32: nothing before `confirm`. Asked again, it is the same."""
    found = SecondFactor.objects.filter(user=user).first()
    if found is None:
        sealed = inbound.seal(pyotp.random_base32())
        found, _ = SecondFactor.objects.get_or_create(user=user, defaults={"sealed": sealed})
    if found.confirmed_at:
        raise Invalid("You have a second factor. Remove it first.")
    return inbound.unseal(found.sealed)


def waits(user: User) -> bool:
    """Whether an authenticator was shown and not confirmed yet."""
    return SecondFactor.objects.filter(user=user, confirmed_at=None).exists()


def uri(user: User, secret: str) -> str:
    return pyotp.totp.TOTP(secret).provisioning_uri(user.username, issuer_name="Countersign")


def picture(text: str) -> str:
    """The QR code as SVG markup: attributes alone, no style and no script."""
    return segno.make(text, error="m").svg_inline(omitsize=True, border=4, dark="#000", light="#fff")


def confirm(user: User, code: str, *, actor: Actor, source: Source, keep: str | None = None) -> list[str]:
    """The authenticator shows the right code: from now on it is asked for. Returns the recovery codes, this once.

    Ends the person's other sessions (all but `keep`), which never gave it. Raises WrongCode.
    """
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed_at=None).first()
        if factor is None or not _is_code(factor, code):
            raise WrongCode()
        SecondFactor.objects.filter(pk=factor.pk).update(confirmed_at=Now())
        codes = _new_codes(user)
        end_sessions(user, keep=keep)
        audit.record("person.second_factor_set", user, actor=actor, source=source)
    return codes


def check(user: User, typed: str) -> str:
    """What was typed: `totp`, `recovery`, or empty where it is neither. Each code is good once."""
    plain = re.sub(r"[\s-]", "", typed).lower()[:64]
    factor = SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()
    if factor is None:
        return ""
    if _is_code(factor, plain):
        return "totp"
    unused = RecoveryCode.objects.filter(user=user, digest=_digest(plain), used_at=None)
    return "recovery" if unused.update(used_at=Now()) == 1 else ""


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def new_codes(user: User, *, actor: Actor, source: Source) -> list[str]:
    """Replace the recovery codes. Raises Invalid for somebody without a second factor."""
    if not has(user):
        raise Invalid("There is no second factor to recover. Set one up first.")
    with transaction.atomic():
        codes = _new_codes(user)
        audit.record("person.recovery_codes_made", user, actor=actor, source=source)
    return codes


def remove(user: User, *, actor: Actor, source: Source, keep: str | None = None) -> None:
    """One's own, after a step-up. Raises Invalid where the rules demand one."""
    if demanded(user):
        raise Invalid("A second factor is demanded of your role, so it stays. An administrator can reset it.")
    forget(user, "person.second_factor_removed", actor=actor, source=source, keep=keep)


def reset(user: User, *, by: User, actor: Actor, source: Source) -> None:
    """Somebody else's, who lost it: all their sessions end, and they sign in with the password alone."""
    require(by, "people.manage")
    forget(user, "person.second_factor_reset", actor=actor, source=source)


def demand(roles: Iterable[str], *, by: User, actor: Actor, source: Source, keep: str | None = None) -> None:
    """Say of which roles a second factor is demanded. Sessions of those who have none end: they set it up first."""
    require(by, "people.manage")
    wanted = sorted(set(roles))
    with transaction.atomic():
        rules = SignInRules.objects.select_for_update().first() or SignInRules()
        before, rules.second_factor_roles = rules.second_factor_roles, wanted
        rules.save()
        without = User.objects.filter(roles__overlap=wanted).exclude(second_factor__confirmed_at__isnull=False)
        for person in without:
            end_sessions(person, keep=keep)
        words = (", ".join(before) or "nobody", ", ".join(wanted) or "nobody")
        audit.record("sign_in.changed", "sign-in", actor=actor, source=source, before=words[0], after=words[1])


def forget(user: User, event: str, *, actor: Actor, source: Source, keep: str | None = None) -> None:
    """Without asking who may: behind `remove`, `reset` and the command on the host."""
    with transaction.atomic():
        SecondFactor.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(user=user).delete()
        end_sessions(user, keep=keep)
        audit.record(event, user, actor=actor, source=source)


def _is_code(factor: SecondFactor, code: str) -> bool:
    """Of this step or the one beside it, by the database's clock, and newer than the last one that was taken."""
    codes = pyotp.totp.TOTP(inbound.unseal(factor.sealed), interval=STEP_S)
    step = int(clock.now().timestamp()) // STEP_S
    given = re.sub(r"\s", "", code)
    for at in range(step - EITHER_WAY, step + EITHER_WAY + 1):
        if hmac.compare_digest(codes.generate_otp(at).encode(), given.encode()):
            return SecondFactor.objects.filter(pk=factor.pk, last_step__lt=at).update(last_step=at) == 1
    return False


def _new_codes(user: User) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    codes = ["-".join(_group() for _ in range(GROUPS)) for _ in range(CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(code.replace("-", ""))) for code in codes)
    return codes


def _group() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(GROUP))


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
