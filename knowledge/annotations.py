"""Write a note about an asset."""

from __future__ import annotations

from django.db import transaction

from app.core.audit import Actor, Source
from app.core.errors import Invalid
from app.core.models import User
from app.core.roles import require
from integrations.values import AssetRef
from knowledge.models import Entry
from knowledge.rule import rule_for
from knowledge.write import Content, checked, keep

TEXT_LIMIT = 4000  # characters: a note, not a document
TITLE = 80  # characters of its first sentence


def annotate(
    asset: AssetRef, text: str, *, by: User, actor: Actor, source: str | Source, incident: int | None = None
) -> Entry:
    """Keep what `by` knows about `asset`; `incident` is the number of the one where it was learned.

    Raises NotAllowed without the right to write, Invalid for an empty or a very long note.
    """
    require(by, "knowledge.write")
    text = text.strip()
    if not text or len(text) > TEXT_LIMIT:
        raise Invalid(f"A note has between 1 and {TEXT_LIMIT} characters.")
    content = Content("annotation", _title(text), rule_for(asset.name), text, owner=by)
    checked(content)
    note = Entry(author=by, signed_by=by, state="signed", incident_number=incident)
    with transaction.atomic():
        keep(note, content, "knowledge.annotated", by=by, actor=actor, source=source)
    return note


def _title(text: str) -> str:
    """Its first sentence, shortened."""
    first = " ".join(text.split()).split(". ")[0].rstrip(".")
    return first if len(first) <= TITLE else f"{first[:TITLE].rsplit(' ', 1)[0]} …"
