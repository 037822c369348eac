"""What notes hold back, whoever diagnoses: assets that no plan may touch, people who must sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from knowledge.hints import DoNotTouch, MustApprove, parse
from knowledge.models import Entry
from knowledge.rights import visible
from knowledge.rule import Case, may_hold


@dataclass(frozen=True)
class Restraint:
    title: str
    hint: DoNotTouch | MustApprove


def restraints(cases: Sequence[Case]) -> list[Restraint]:
    """Those of signed entries whose rule holds for one of `cases`, as far as these say; one query.

    What a case does not say (its error, its columns) counts as held, because a restraint that is not seen protects
    nothing.
    """
    kinds = Q(hints__contains=[{"kind": DoNotTouch.kind}]) | Q(hints__contains=[{"kind": MustApprove.kind}])
    found = []
    for entry in Entry.objects.filter(visible(None), kinds, state="signed").order_by("pk"):
        if any(may_hold(entry.rule, case) for case in cases):
            hints = [hint for hint in parse(entry.hints) if isinstance(hint, DoNotTouch | MustApprove)]
            found += [Restraint(entry.title, hint) for hint in hints]
    return found
