"""What somebody types is kept while they type, and survives a closed tab."""

from __future__ import annotations

from django.db.models.functions import Now

from app.core.audit import storable
from app.core.canonical import canonical
from app.core.errors import Invalid
from app.core.models import User
from app.core.roles import require
from integrations.values import Json
from knowledge.models import Draft, Entry

DRAFT_LIMIT = 120_000  # bytes


def autosave(by: User, entry: Entry | None, content: Json, *, base_version: int = 0) -> Draft:
    """Keep what `by` has typed for `entry`, or for a new one; a draft of a person's own, that nobody else sees.

    `base_version` is the version that was shown when typing began. Raises Invalid for a very long one.
    """
    require(by, "knowledge.write")
    if len(canonical(content)) > DRAFT_LIMIT:
        raise Invalid("That is too long to be kept.")
    defaults = {"content": storable(content), "base_version": base_version, "at": Now()}
    kept, _ = Draft.objects.update_or_create(person=by, entry=entry, defaults=defaults)
    return kept


def forget(by: User, entry: Entry | None) -> None:
    """Throw away what was typed and not saved."""
    Draft.objects.filter(person=by, entry=entry).delete()
