"""Bring an incident to its end: by a person with a reason, or because what opened it passed later in production."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from app.core.audit import WORKER, Actor, Source
from app.core.errors import Invalid, LostRace
from app.core.lifecycle import MOVES, advance
from app.core.models import User
from incidents.models import RESOLUTIONS, Event, Incident
from incidents.usual import teach
from knowledge.cite import settle

TRUSTED = {"run", "drift"}  # kinds of events that we send ourselves; no door takes them
FOLLOW_UP_RUNS = 2  # scheduled runs after a fix in which a failure re-opens it (DESIGN.md section 3)
OURS = {"fixing", "validating"}  # there the validation decides, not the events of its own re-run
RESOLVABLE = [status for status in MOVES["incident"] if status not in OURS | {"resolved"}]


def resolve(incident: Incident, resolution: str, *, comment: str = "", actor: Actor, source: str | Source) -> None:
    """Resolve it for one of RESOLUTIONS. After `fixed` the next runs are followed up; `expected` teaches the detectors.

    Raises Invalid for another reason, IllegalMove and LostRace like `advance`.
    """
    if resolution not in RESOLUTIONS:
        raise Invalid(f"Give one of these reasons: {', '.join(RESOLUTIONS)}.")
    with transaction.atomic():
        door = source.door if isinstance(source, Source) else source
        advance(incident, "resolved", actor=actor, source=door, reason=comment or resolution, resolution=resolution)
        Incident.objects.filter(pk=incident.pk).update(
            resolution=resolution,
            resolution_comment=comment,
            resolved_at=Now(),
            follow_up_left=FOLLOW_UP_RUNS if resolution == "fixed" else 0,
        )
        if resolution == "expected" and actor.type == "human":  # what a note expects ends with the note
            person = User.objects.get(pk=actor.id)
            teach(incident, reason=comment, by=person, actor=actor, source=source)
        if resolution == "expected" or (resolution == "fixed" and incident.proposals.filter(status="done").exists()):
            settle(incident.number, "right")  # only what a person approved, or wrote, says that a note was right
    incident.refresh_from_db()


def by_passing(keys: Collection[str], *, at: datetime, but: Collection[int], event: Event) -> list[Incident]:
    """What a good production run that began at `at` ends: incidents opened by one of `keys` before it.

    `but` are incidents that failed elsewhere in the same run. A scheduled run also counts down the follow-up of fixes.
    Where more was signed to follow the answer of a person, the follow-up of that request ends it instead.
    What came through a door ends only what its own connection opened: the key of one tool says nothing about another.
    """
    if not keys:
        return []
    mine = Incident.objects.filter(opened_by__key__in=list(keys))
    if event.kind not in TRUSTED:
        mine = mine.filter(connection=event.connection_id)
    if event.kind != "run":
        mine.filter(status="resolved", follow_up_left__gt=0, resolved_at__lt=at).update(
            follow_up_left=F("follow_up_left") - 1
        )
    began = Coalesce("run__started_at", "run__finished_at", "opened_at")
    asked = Incident.objects.filter(status="waiting_on_person", proposals__status="executing")
    over = (
        mine.filter(status__in=RESOLVABLE)
        .exclude(pk__in=asked)
        .annotate(began=began)
        .filter(Q(began__lt=at))
        .exclude(pk__in=but)
    )
    return [incident for incident in over if _end(incident, event)]


def _end(incident: Incident, event: Event) -> bool:
    """False when a person or a worker moved it first: the next good run will find it again."""
    fixed = incident.proposals.filter(status="done").exists()
    said = "The check that opened it passes again" if incident.opened_by.get("kind") != "job" else "Its job runs again"
    try:
        resolve(
            incident,
            "fixed" if fixed else "upstream_fixed",
            comment=f"{said} in production, by event {event.pk}.",
            actor=WORKER,
            source="worker",
        )
    except LostRace:
        return False
    return True
