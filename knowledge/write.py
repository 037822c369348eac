"""Write an entry, and change one. Every version is kept whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models.functions import Now

from app.core import audit
from app.core.audit import Actor, Source
from app.core.errors import Invalid, Stale
from app.core.models import User
from app.core.roles import ROLES, require
from app.core.tasks import ring_after_commit
from knowledge import hints as typed
from knowledge import vocabulary
from knowledge.hints import Hint
from knowledge.index import anchors, needle, words
from knowledge.models import KINDS, Draft, Entry, Revision
from knowledge.rights import InForce, require_edit, require_safe
from knowledge.rule import parse

TITLE_LIMIT, BODY_LIMIT = 200, 40_000  # characters


@dataclass(frozen=True)
class Content:
    """What people write. `readers` are roles that see it, none for everybody."""

    kind: str
    title: str
    rule: str = ""
    body: str = ""
    hints: tuple[Hint, ...] = ()
    readers: tuple[str, ...] = ()
    review_by: date | None = None
    owner: User | None = None

    @classmethod
    def of(cls, entry: Entry | Revision) -> Content:
        """What an entry says now, or what one of its versions said."""
        now = entry.entry if isinstance(entry, Revision) else entry
        given = typed.parse(entry.hints)
        readers = tuple(now.readers)
        return cls(now.kind, entry.title, entry.rule, entry.body, given, readers, now.review_by, now.owner)


class Clash(Stale):
    """Somebody saved this meanwhile. `theirs` is what is there now; nothing of yours was lost or saved."""

    def __init__(self, theirs: Revision) -> None:
        super().__init__(f"Version {theirs.number} was saved meanwhile. Compare, then save yours on top of it.")
        self.theirs = theirs


def create(
    content: Content, *, by: User, actor: Actor, source: str | Source, draft: bool = False, incident: int | None = None
) -> Entry:
    """A new entry of `by`, signed by writing it, unless it is a `draft`; `incident` is where it was learned.

    Raises NotAllowed without the right to write, or where it loosens safety; Invalid for what cannot be kept.
    """
    require(by, "knowledge.write")
    checked(content)
    entry = Entry(author=by, state="draft" if draft else "signed", incident_number=incident)
    entry.signed_by = None if draft else by
    require_safe(by, InForce(), in_force(content, entry.state), own=True)
    with transaction.atomic():
        keep(entry, content, "knowledge.written", by=by, actor=actor, source=source)
        Draft.objects.filter(person=by, entry=None).delete()
    return entry


def update(entry: Entry, content: Content, *, version: int, by: User, actor: Actor, source: str | Source) -> Entry:
    """Save the next version on top of `version`; a draft stays one until it is signed.

    Raises Clash when somebody saved meanwhile, NotAllowed and Invalid like `create`.
    """
    require_edit(by, entry)
    checked(content)
    with transaction.atomic():
        live = Entry.objects.select_for_update().get(pk=entry.pk)
        if live.version != version:
            raise Clash(live.revisions.select_related("by", "entry").get(number=live.version))
        if live.state == "archived":
            raise Invalid("It is archived. Restore it first.")
        before, after = in_force(Content.of(live), live.state), in_force(content, live.state)
        require_safe(by, before, after, own=live.author_id == by.pk)
        live.version = version + 1
        keep(live, content, "knowledge.changed", by=by, actor=actor, source=source)
        Draft.objects.filter(person=by, entry=live).delete()
    return live


def keep(entry: Entry, content: Content, event: str, *, by: User | None, actor: Actor, source: str | Source) -> None:
    """Store the content as the entry's present version, with its revision and its audit record."""
    is_new = entry.pk is None
    if not is_new:
        vocabulary.forget(entry.pk)
    entry.kind, entry.title, entry.rule, entry.body = content.kind, content.title.strip(), content.rule, content.body
    entry.hints, entry.readers = typed.as_json(content.hints), list(content.readers)
    entry.owner, entry.review_by = content.owner, content.review_by
    entry.anchors, entry.needle = anchors(content.rule), needle(content.rule)
    entry.words = words(content.title, content.rule, content.body, content.hints)
    entry.save()
    vocabulary.learn(entry.pk)
    Entry.objects.filter(pk=entry.pk).update(updated_at=Now())
    entry.refresh_from_db()
    ring_after_commit("knowledge.tasks.embed")
    door = source.door if isinstance(source, Source) else source
    Revision.objects.create(
        entry=entry, number=entry.version, title=entry.title, rule=entry.rule, body=entry.body, hints=entry.hints,
        by=by, door=door,
    )  # fmt: skip
    told = {"kind": entry.kind, "version": entry.version, "state": entry.state, "hints": kinds(content.hints)}
    audit.record(event, entry, actor=actor, source=source, detail=told, after="" if not is_new else entry.state)


def in_force(content: Content, state: str) -> InForce:
    return InForce.of(state, content.readers, content.rule, content.hints)


def kinds(hints: Sequence[Hint]) -> list[str]:
    return sorted({hint.kind for hint in hints})


def checked(content: Content) -> None:
    """Raises Invalid unless it can be kept and read again."""
    if content.kind not in KINDS:
        raise Invalid(f"An entry is one of {', '.join(KINDS)}.")
    if not content.title.strip() or len(content.title.strip()) > TITLE_LIMIT or "\n" in content.title.strip():
        raise Invalid(f"A title is one line of 1 to {TITLE_LIMIT} characters.")
    if len(content.body) > BODY_LIMIT:
        raise Invalid(f"The text has at most {BODY_LIMIT} characters.")
    said = [content.title, content.rule, content.body, typed.as_json(content.hints)]
    if audit.storable(said) != said:
        raise Invalid("The text holds a character that cannot be kept.")
    if unknown := set(content.readers) - set(ROLES):
        raise Invalid(f"No such role: {', '.join(sorted(unknown))}.")
    parse(content.rule)
    typed.parse(typed.as_json(content.hints))
