"""Who may see and change an entry, and which changes need an administrator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from app.core.errors import NotAllowed
from app.core.models import User
from app.core.roles import may, require
from knowledge.hints import DoNotTouch, ExpectedChange, Header, Hint, MustApprove
from knowledge.models import Entry


@dataclass(frozen=True)
class InForce:
    """What code obeys: the rule and hints of a signed entry that everybody may see, nothing of another one."""

    rule: str = ""
    hints: tuple[Hint, ...] = ()

    @classmethod
    def of(cls, state: str, readers: Sequence[str], rule: str, hints: tuple[Hint, ...]) -> InForce:
        return cls(rule, hints) if state == "signed" and not readers else cls()


def visible(viewer: User | None) -> Q:
    """The entries that `viewer` may see. None is a diagnosis, which everybody reads: entries that all may see."""
    if viewer is None:
        return Q(readers=[])
    if not may(viewer, "knowledge.read"):
        return Q(pk__in=[])
    if may(viewer, "knowledge.manage"):
        return Q()
    return Q(readers=[]) | Q(readers__overlap=list(viewer.roles)) | Q(author=viewer) | Q(owner=viewer)


def may_edit(user: User, entry: Entry) -> bool:
    """Authors and owners their own, managers all; what dbt says of itself nobody."""
    if entry.is_read_only:
        return False
    own = user.pk in (entry.author_id, entry.owner_id)
    return may(user, "knowledge.manage") or (own and may(user, "knowledge.write"))


def require_edit(user: User, entry: Entry) -> None:
    """Raises NotAllowed, saying who could."""
    require(user, "knowledge.write")
    if entry.is_read_only:
        raise NotAllowed("dbt's own words are changed in the project, in `meta` or the description, and read again.")
    if not may_edit(user, entry):
        who = entry.owner or entry.author
        raise NotAllowed(f"Only its author, its owner{f' ({who.label})' if who else ''} or a manager changes this.")


def require_safe(user: User, before: InForce, after: InForce, *, own: bool) -> None:
    """Raises NotAllowed where the change would loosen safety and `user` is no administrator."""
    why = loosens(before, after, own=own)
    if why and not may(user, "knowledge.loosen"):
        raise NotAllowed(f"{why} An administrator has to sign that; save it as a draft.")


def loosens(before: InForce, after: InForce, *, own: bool) -> str:
    """Why going from `before` to `after` loosens safety; empty when it does not. `own`: the author does it."""
    was, now = set(before.hints), set(after.hints)
    for kind, words in ((ExpectedChange, "It lets a change of the data pass as expected."),
                        (Header, "It sends a secret of the vault to a host.")):  # fmt: skip
        these = {hint for hint in now if isinstance(hint, kind)}
        if these - was or (these and after.rule != before.rule):
            return words
    moved = before.rule != after.rule
    if not own and _lifted(was, now, DoNotTouch, moved):
        return "It lifts a do-not-touch of somebody else."
    if _approvers(was) - _approvers(now) or _lifted(was, now, MustApprove, moved, only_moved=True):
        return "It lets a fix be signed by fewer people."
    return ""


def _lifted(was: set[Hint], now: set[Hint], kind: type[Hint], moved: bool, *, only_moved: bool = False) -> bool:
    held = any(isinstance(hint, kind) for hint in was)
    still = any(isinstance(hint, kind) for hint in now)
    return held and (moved or (not still and not only_moved))


def _approvers(hints: Sequence[Hint] | set[Hint]) -> set[str]:
    return {one for hint in hints if isinstance(hint, MustApprove) for one in hint.who}
