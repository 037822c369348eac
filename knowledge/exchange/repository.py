"""Notes in a git repository, synced both ways: commits are pulled in, what was saved here is committed.

Each entry and its file are compared with what both were when they were last the same. Where both changed, both are
kept: ours stays and is committed, theirs becomes a draft that says so. An owner may change an entry here, so a commit
makes nobody one: only whom the connection's settings name may be named by a file.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from app.core import audit
from app.core.audit import SYSTEM, Source
from app.core.canonical import sha256
from app.core.errors import Invalid
from integrations.connections import connector
from integrations.errors import BaseMoved, IntegrationError
from integrations.models import Connection
from knowledge.exchange.folder import file_name
from knowledge.exchange.front import File, dump, load
from knowledge.exchange.take import Bringer, Taken, add, change, same
from knowledge.models import Copy, Entry
from knowledge.rights import InForce, loosens
from knowledge.write import TITLE_LIMIT, Content, in_force

log = logging.getLogger(__name__)

TRIES = 3  # when somebody else commits meanwhile
MESSAGE = "Write down what is known\n\nSaved in Countersign."


@dataclass
class Sync:
    """One pass over one repository. `out` is what its files shall say; None removes one."""

    connection: Connection
    bringer: Bringer
    taken: Taken
    out: dict[str, str | None] = field(default_factory=dict)
    copies: list[tuple[int, str, str]] = field(default_factory=list)  # entry, path, text: the same from now on


def sync_all(source: str | Source = "schedule") -> dict[str, Taken]:
    """Every enabled git connection that names a folder of notes."""
    done = {}
    for row in Connection.objects.filter(kind="git", enabled=True).order_by("pk"):
        if not row.config.get("knowledge"):
            continue
        try:
            done[row.name] = sync(row, source=source)
        except IntegrationError as error:  # the others go on
            done[row.name] = Taken(notes=[f"{row.name} could not be synced: {error}"])
            log.warning("%s was not synced: %s", row.name, error)
    return done


def sync(connection: Connection, *, source: str | Source) -> Taken:
    """Bring both sides to the same state; twice in a row changes nothing. Raises IntegrationError."""
    git = connector(connection)
    taken = Taken()
    for attempt in range(TRIES):
        head = git.head()
        files = git.files(str(connection.config["knowledge"]).strip("/"), ".md", head)
        one = Sync(connection, Bringer(None, SYSTEM, source), taken)
        _compare(one, files)
        try:
            after = git.write(one.out, MESSAGE, on=head)
        except BaseMoved:
            if attempt == TRIES - 1:
                raise
            continue
        _remember(one, after)
        return taken
    return taken


def _compare(one: Sync, files: dict[str, str]) -> None:
    """Take in what came, and note what goes out."""
    copies = {row.path: row for row in Copy.objects.filter(connection=one.connection).select_related("entry__owner")}
    for path in sorted(set(files) | set(copies)):
        try:
            _one(one, path, files.get(path), copies.get(path))
        except Invalid as error:
            one.taken.notes.append(str(error))
    there = {row.entry_id for row in copies.values()} | {entry for entry, _, _ in one.copies}
    fresh = Entry.objects.filter(state="signed", readers=[]).exclude(origin="dbt").exclude(pk__in=there)
    for entry in fresh.select_related("owner").order_by("pk"):
        folder = str(one.connection.config["knowledge"]).strip("/")
        _write(one, f"{folder}/{file_name(entry)}" if folder else file_name(entry), entry)


def _one(one: Sync, path: str, text: str | None, copy: Copy | None) -> None:
    entry = copy.entry if copy else None
    if text is None:
        _removed(one, path, copy)
        return
    told = load(text, path)
    if entry is None:
        _new(one, path, text, told)
        return
    ours_moved = entry.version != copy.version if copy else False
    theirs_moved = sha256(text.encode()) != copy.digest if copy else True
    file = _owned(one, path, told, entry, is_said=theirs_moved)
    if entry.state == "archived" or entry.readers:  # in a repository everybody could read it
        one.out[path] = None
    elif same(Content.of(entry), file.content):
        if file is not told:
            _write(one, path, entry)
            return
        one.copies.append((entry.pk, path, text))
    elif ours_moved and theirs_moved:
        _conflict(one, path, file, entry)
    elif theirs_moved:
        if change(entry, file.content, bringer=one.bringer, taken=one.taken):
            if file is told:
                one.copies.append((entry.pk, path, text))
            else:
                _write(one, path, entry)
        else:
            _conflict(one, path, file, entry)
    else:
        _write(one, path, entry)


def _owned(one: Sync, path: str, file: File, entry: Entry | None, *, is_said: bool = True) -> File:
    """The file with the owner that it may name: the entry's own, or somebody whom an administrator allowed.

    `is_said` where the file is new, so that what it asks for is worth telling.
    """
    named, own = file.content.owner, entry.owner if entry else None
    allowed = {name.strip() for name in str(one.connection.config.get("owners") or "").split(",")}
    if named == own or (named and named.username in allowed):
        return file
    if named and is_said:
        one.taken.notes.append(f"{path}: a file may not make {named.username} its owner; people do, here.")
    return replace(file, content=replace(file.content, owner=own))


def _new(one: Sync, path: str, text: str, file: File) -> None:
    """A file that has no copy yet; what a pass that was cut off took in already is not taken in twice."""
    ref = f"{one.connection.name}:{path}"[:500]
    known = Entry.objects.filter(origin="git", origin_ref=ref).first()
    theirs_to_name = Entry.objects.exclude(state="draft").exclude(origin="dbt")  # what goes out at all
    known = known or (theirs_to_name.filter(pk=file.entry).first() if file.entry else None)
    told, file = file, _owned(one, path, file, known)
    if known is None:
        known = add(file.content, origin="git", ref=ref, bringer=one.bringer, taken=one.taken)
    elif known.state == "archived" or known.readers:
        one.out[path] = None
        return
    elif not same(Content.of(known), file.content):
        _conflict(one, path, file, known)
        return
    if file is told:
        one.copies.append((known.pk, path, text))
    else:
        _write(one, path, known)


def _removed(one: Sync, path: str, copy: Copy | None) -> None:
    """Its file is gone: archived, where that is all that happened and nothing is loosened by it."""
    if copy is None or copy.entry.state == "archived":
        return
    entry = copy.entry
    why = loosens(in_force(Content.of(entry), entry.state), InForce(), own=False)
    if entry.version != copy.version or why:
        one.taken.notes.append(f"{entry.title}: its file was removed and is written again. {why}".strip())
        _write(one, path, entry)
        return
    with transaction.atomic():
        same_yet = Entry.objects.filter(pk=entry.pk, version=copy.version).exclude(state="archived")
        if not same_yet.update(state="archived", updated_at=Now()):
            return  # saved meanwhile: the next pass sees that both moved
        reason = f"{path} was removed from {one.connection.name}."
        audit.record("knowledge.archived", entry, actor=SYSTEM, source=one.bringer.source, reason=reason)
    one.taken.archived.append(entry.title)


def _conflict(one: Sync, path: str, file: File, entry: Entry) -> None:
    """Ours stays; theirs is kept beside it as a draft, once."""
    title = f"{file.content.title[: TITLE_LIMIT - 40]} (other version, from {one.connection.name})"[:TITLE_LIMIT]
    theirs = replace(file.content, title=title, body=f"{file.content.body}\n\nBoth were changed: see {entry.title}.")
    if not Entry.objects.filter(title=title, body=theirs.body, state="draft").exists():
        add(theirs, origin="git", ref="", bringer=one.bringer, taken=one.taken, draft=True)
    one.taken.notes.append(f"{entry.title}: changed here and in {path}. Both are kept; theirs is a draft.")
    _write(one, path, entry)


def _write(one: Sync, path: str, entry: Entry) -> None:
    entry.refresh_from_db()
    text = dump(Content.of(entry), entry.pk)
    one.out[path] = text
    one.copies.append((entry.pk, path, text))


def _remember(one: Sync, commit: Any) -> None:
    with transaction.atomic():
        Copy.objects.filter(connection=one.connection, entry__state="archived").delete()
        versions = dict(Entry.objects.filter(pk__in=[pk for pk, _, _ in one.copies]).values_list("pk", "version"))
        for pk, path, text in one.copies:
            Copy.objects.filter(connection=one.connection, entry=pk).exclude(path=path).delete()
            Copy.objects.update_or_create(
                connection=one.connection,
                path=path,
                defaults={"entry_id": pk, "version": versions[pk], "digest": sha256(text.encode())},
            )
