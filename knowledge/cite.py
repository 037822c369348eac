"""Remember which diagnosis cited which entries, and how that ended."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models.functions import Now

from knowledge.models import Citation


def cite(entries: Mapping[int, int], *, diagnosis: int, incident: int) -> None:
    """`entries` maps an entry's key to the version that was read. Told twice it is kept once."""
    rows = [
        Citation(entry_id=pk, version=version, diagnosis=diagnosis, incident_number=incident)
        for pk, version in entries.items()
    ]
    Citation.objects.bulk_create(rows, ignore_conflicts=True)


def settle(incident: int, outcome: str) -> int:
    """What this incident's open citations came to: `right` or `misled`; returns how many.

    Right when the incident ended as its diagnosis said; misled when a proposal built on it was rejected.
    """
    return Citation.objects.filter(incident_number=incident, outcome="open").update(outcome=outcome, settled_at=Now())
