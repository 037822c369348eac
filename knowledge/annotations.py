"""Write a note about an asset."""

from __future__ import annotations

from django.db import transaction

from app.core import audit
from app.core.audit import Actor, Source
from app.core.errors import Invalid
from app.core.models import User
from app.core.roles import require
from integrations.values import AssetRef
from knowledge.models import Annotation

TEXT_LIMIT = 4000  # characters: a note, not a document


def annotate(
    asset: AssetRef, text: str, *, by: User, actor: Actor, source: str | Source, incident: int | None = None
) -> Annotation:
    """Keep what `by` knows about `asset`; `incident` is the number of the one where it was learned.

    Raises NotAllowed without the right to write, Invalid for an empty or a very long note.
    """
    require(by, "knowledge.write")
    text = text.strip()
    if not text or len(text) > TEXT_LIMIT:
        raise Invalid(f"A note has between 1 and {TEXT_LIMIT} characters.")
    with transaction.atomic():
        note = Annotation.objects.create(
            namespace=asset.namespace, asset=asset.name, text=text, author=by, incident_number=incident
        )
        audit.record(
            "knowledge.annotated",
            note,
            actor=actor,
            source=source,
            correlation=incident,
            detail={"asset": asset.uri},
        )
    return note
