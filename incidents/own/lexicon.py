"""What logs are read with here: the signatures of the files and, tried first, the team's own that are in use."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db.models import Count, Max, Sum

from app.core.errors import Invalid
from incidents.own.candidate import Candidate, signature
from incidents.own.models import OwnSignature
from incidents.signatures import Lexicon, Signature, built_in

log = logging.getLogger(__name__)

# Number of rows, of changes, newest row and newest change: no write leaves all four as they were.
Mark = tuple[int, int | None, int | None, datetime | None]
_kept: tuple[Mark, Lexicon] | None = None


def lexicon() -> Lexicon:
    """One query; only where another process or this one has changed a signature are they read again."""
    global _kept
    mark = _mark()
    if _kept is None or _kept[0] != mark:
        _kept = (mark, built_in().with_own(_in_use()) if mark[0] else built_in())
    return _kept[1]


def _mark() -> Mark:
    found = OwnSignature.objects.aggregate(Count("pk"), Sum("changes"), Max("pk"), Max("changed_at"))
    return found["pk__count"], found["changes__sum"], found["pk__max"], found["changed_at__max"]


def _in_use() -> list[Signature]:
    found = []
    for row in OwnSignature.objects.filter(state="in use").order_by("pk"):
        try:
            found.append(signature(Candidate.of(row.content), row.version))
        except (Invalid, KeyError) as error:  # kept by an earlier release: the others must still be read
            log.warning("The signature %s cannot be used: %s", row.name, error)
    return found
