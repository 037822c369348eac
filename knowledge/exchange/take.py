"""Take in what comes from elsewhere: as a person's own, or as the system reads it; never looser than its bringer may.

What would loosen safety comes in as a draft that an administrator signs, unless an administrator brings it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import transaction

from app.core.audit import Actor, Source
from app.core.models import User
from app.core.roles import may
from knowledge.models import Entry
from knowledge.rights import InForce, loosens
from knowledge.write import Content, checked, in_force, keep


@dataclass
class Taken:
    """What became of what was brought, in titles, and in words what a person has to look at."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    archived: list[str] = field(default_factory=list)
    same: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Bringer:
    """Who brings it, through which door; `by` is none for what the system reads by itself."""

    by: User | None
    actor: Actor
    source: str | Source

    def may_loosen(self) -> bool:
        return self.by is not None and may(self.by, "knowledge.loosen")


def add(content: Content, *, origin: str, ref: str, bringer: Bringer, taken: Taken, draft: bool = False) -> Entry:
    """A new entry; a draft where it is meant as one, or would loosen safety. Raises Invalid."""
    checked(content)
    why = "" if bringer.may_loosen() else loosens(InForce(), in_force(content, "signed"), own=True)
    entry = Entry(author=bringer.by, origin=origin, origin_ref=ref, state="draft" if why or draft else "signed")
    entry.signed_by = None if why or draft else bringer.by
    with transaction.atomic():
        keep(entry, content, "knowledge.imported", by=bringer.by, actor=bringer.actor, source=bringer.source)
    taken.created.append(entry.title)
    if why:
        taken.notes.append(f"{entry.title}: a draft. {why} An administrator has to sign it.")
    return entry


def change(entry: Entry, content: Content, *, bringer: Bringer, taken: Taken) -> bool:
    """The next version, where it says anything else; False where it would loosen safety, and was not taken."""
    checked(content)
    with transaction.atomic():
        live = Entry.objects.select_for_update().get(pk=entry.pk)
        if same(Content.of(live), content):
            taken.same += 1
            return True
        own = bringer.by is not None and live.author_id == bringer.by.pk
        why = loosens(in_force(Content.of(live), live.state), in_force(content, live.state), own=own)
        if why and not bringer.may_loosen():
            taken.notes.append(f"{live.title}: not taken. {why} An administrator has to change it.")
            return False
        live.version += 1
        keep(live, content, "knowledge.imported", by=bringer.by, actor=bringer.actor, source=bringer.source)
    entry.refresh_from_db()
    taken.changed.append(entry.title)
    return True


def same(one: Content, other: Content) -> bool:
    """Whether they say the same; blank ends of a text say nothing."""
    return _plain(one) == _plain(other)


def _plain(content: Content) -> tuple[object, ...]:
    owner = content.owner.pk if content.owner else None
    return (content.kind, content.title.strip(), content.rule.strip(), content.body.strip(), content.hints,
            content.readers, content.review_by, owner)  # fmt: skip
