"""A folder of markdown files with front matter: in and out."""

from __future__ import annotations

import re
from pathlib import Path

from app.core.audit import storable
from app.core.errors import Invalid
from knowledge.exchange.front import FILE_LIMIT, dump, load
from knowledge.exchange.take import Bringer, Taken, add, change
from knowledge.models import Entry
from knowledge.rights import may_edit
from knowledge.write import Content

MOST = 20_000  # files in one folder


def read_folder(folder: Path, bringer: Bringer) -> Taken:
    """Every `.md` below the folder; one that names an entry, or was read before, is its next version.

    A file that cannot be read is told of and left out. Raises Invalid when there is no such folder.
    """
    if not folder.is_dir():
        raise Invalid(f"{folder} is no folder.")
    taken = Taken()
    for path in sorted(folder.rglob("*.md"))[:MOST]:
        if path.is_symlink() or not path.is_file():
            continue
        try:
            _read(storable(path.relative_to(folder).as_posix()), path, bringer, taken)
        except (Invalid, UnicodeDecodeError, OSError) as error:
            taken.notes.append(storable(str(error) if isinstance(error, Invalid) else f"{path.name}: {error}"))
    return taken


def write_folder(folder: Path) -> int:
    """A file for each entry that is not archived, drafts and dbt's own left out; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = Entry.objects.filter(state="signed").exclude(origin="dbt").select_related("owner").order_by("pk")
    for entry in rows:
        path = folder / file_name(entry)
        if path.is_symlink():
            raise Invalid(f"{path} is a link; take it away first.")
        path.write_text(dump(Content.of(entry), entry.pk), encoding="utf-8")
    return len(rows)


def file_name(entry: Entry) -> str:
    """`partner-rates-answer-only-at-night-12.md`"""
    slug = re.sub(r"[^a-z0-9]+", "-", entry.title.lower()).strip("-")[:60].rstrip("-")
    return f"{slug or 'note'}-{entry.pk}.md"


def _read(name: str, path: Path, bringer: Bringer, taken: Taken) -> None:
    if path.stat().st_size > FILE_LIMIT * 4:
        raise Invalid(f"{name}: a note has at most {FILE_LIMIT} characters.")
    file, ref = load(path.read_text(encoding="utf-8"), name), f"folder:{name}"[:500]
    known = Entry.objects.filter(pk=file.entry).first() if file.entry else None
    known = known or Entry.objects.filter(origin="person", origin_ref=ref).first()
    if known is None:
        add(file.content, origin="person", ref=ref, bringer=bringer, taken=taken)
    elif known.state == "archived" or (bringer.by and not may_edit(bringer.by, known)):
        taken.notes.append(f"{name}: {known.title} is archived, or not yours to change.")
    else:
        change(known, file.content, bringer=bringer, taken=taken)
