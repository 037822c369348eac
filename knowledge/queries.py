"""Reads of what people know."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from integrations.values import AssetRef
from knowledge.models import Annotation


def notes_on(assets: Iterable[AssetRef]) -> QuerySet[Annotation]:
    """Notes that are not archived, of assets of these names; one of the same name elsewhere may be among them."""
    refs = list(assets)
    spaces, names = {ref.namespace for ref in refs}, {ref.name for ref in refs}
    rows = Annotation.objects.filter(namespace__in=spaces, asset__in=names, archived_at=None)
    return rows.select_related("author").order_by("-created_at")
