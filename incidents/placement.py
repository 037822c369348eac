"""Put problems where they belong: into an open incident, above younger ones, back into a fixed one, or a new one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from app.core import audit
from app.core.audit import WORKER
from app.core.lifecycle import MOVES, NEXT, advance
from app.core.tasks import ring_after_commit
from incidents import lineage
from incidents.correlate import CHECKS, Candidate, Problem, Role, Sighting, comes_back, home, is_above, root_of
from incidents.learned import Ids
from incidents.models import Asset, Event, Incident, IncidentEvent, Run, RunResult

UNRESOLVED = [status for status in MOVES["incident"] if status != "resolved"]
ADOPTABLE = {"open", "diagnosing", "escalated"}  # later ones hold a proposal about the root that people may be reading
FOLLOW_UP = timedelta(days=14)  # how far back fixed incidents are looked for that are still followed up
HISTORY = 100  # earlier results of a node that are looked at
SOURCE = "worker"


@dataclass(frozen=True)
class Found:
    """The problems of one event."""

    event: Event
    problems: Sequence[Problem]
    ids: Ids
    run: Run | None = None
    # Keys of what the same run found good.
    passed: Collection[str] = ()

    @property
    def at(self) -> datetime:
        return (self.run and (self.run.started_at or self.run.finished_at)) or self.event.received_at


def place(found: Found) -> set[int]:
    """Returns the ids of the incidents that these problems are now part of. In the caller's transaction."""
    sightings = _sightings(found)
    rest, homes = _reopen(found, sightings)
    candidates = _candidates(found, rest)
    joined: dict[int, list[tuple[Sighting, Role, str]]] = {}
    homeless: list[Sighting] = []
    for sighting in rest:
        sighting = replace(sighting, **_history(found, sighting, candidates))
        if place := home(sighting, candidates):
            joined.setdefault(place[0].pk, []).append((sighting, place[1], place[2]))
        else:
            homeless.append(sighting)
    for pk, members in joined.items():
        _join(found, Incident.objects.get(pk=pk), members)
    if homeless:
        homes.add(_adopt_or_open(found, homeless))
    return homes | joined.keys()


def _sightings(found: Found) -> list[Sighting]:
    upstream = lineage.above({found.ids[problem.asset] for problem in found.problems})
    run = found.run
    return [
        Sighting(
            problem,
            found.ids[problem.asset],
            found.event.connection_id,
            upstream[found.ids[problem.asset]],
            found.at,
            run.external_id if run else "",
            str(run.parameters.get("parent_run", "")) if run else "",
        )
        for problem in found.problems
    ]


def _candidates(found: Found, sightings: Sequence[Sighting]) -> list[Candidate]:
    """Open incidents that any rule could bring together with these problems."""
    if not sightings:
        return []
    above = {pk for sighting in sightings for pk in sighting.upstream}
    signatures = {sighting.problem.signature for sighting in sightings} - {""}
    near = Q(root_asset__in=above) | Q(opened_by__key__in=[sighting.problem.key for sighting in sightings])
    near |= Q(connection=found.event.connection_id, signature__in=signatures)
    if family := {sightings[0].run, sightings[0].parent} - {""}:
        near |= Q(run__external_id__in=family) | Q(run__parameters__parent_run__in=list(family))
    rows = Incident.objects.filter(near, status__in=UNRESOLVED).select_related("run").order_by("pk")
    return [replace(candidate, over=candidate.key in found.passed) for candidate in _as_candidates(rows)]


def _as_candidates(incidents: Iterable[Incident]) -> list[Candidate]:
    return [
        Candidate(
            incident.pk,
            incident.root_asset_id,
            incident.status,
            str(incident.opened_by.get("key", "")),
            str(incident.opened_by.get("kind", "")),
            incident.signature,
            incident.connection_id,
            began=(run and (run.started_at or run.finished_at)) or incident.opened_at,
            ended=(run and (run.finished_at or run.started_at)) or incident.opened_at,
            opened=incident.opened_at,
            run=run.external_id if run else "",
            parent=str(run.parameters.get("parent_run", "")) if run else "",
        )
        for incident in incidents
        for run in [incident.run]
    ]


def _history(found: Found, sighting: Sighting, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """When the same job or node was last good in production, and whether it failed the last time.

    Asked only where an answer could matter.
    """
    problem, run = sighting.problem, found.run
    if run is None or not candidates:
        return {}
    earlier = Run.objects.filter(job=run.job_id, environment="production", started_at__lt=found.at).exclude(pk=run.pk)
    if problem.kind == "job":
        told = list(earlier.order_by("-started_at").values_list("status", "started_at")[:HISTORY])
    else:
        results = RunResult.objects.filter(asset=sighting.asset, run__in=earlier)
        same = results.filter(node=problem.node) if problem.kind in CHECKS else results.exclude(kind__in=CHECKS)
        told = list(same.order_by("-run__started_at").values_list("status", "run__started_at")[:HISTORY])
    return {
        "last_good": next((at for status, at in told if status == "success"), None),
        "continues": bool(told) and told[0][0] == "failed",
    }


def _reopen(found: Found, sightings: Sequence[Sighting]) -> tuple[list[Sighting], set[int]]:
    """A failure within the follow-up of a fix re-opens that incident. Returns what is left, and what was re-opened."""
    keys = [sighting.problem.key for sighting in sightings]
    watched = Incident.objects.filter(
        status="resolved", follow_up_left__gt=0, resolved_at__gt=timezone.now() - FOLLOW_UP, opened_by__key__in=keys
    )
    rest, reopened = list(sightings), set()
    for candidate in _as_candidates(watched.select_related("run").order_by("-pk")):
        again = [sighting for sighting in rest if comes_back(sighting, candidate)]
        if not again:
            continue
        incident = Incident.objects.get(pk=candidate.pk)
        _open_again(found, incident)
        _join(found, incident, [(sighting, Role.REPEAT, "It came back after the fix") for sighting in again])
        rest = [sighting for sighting in rest if sighting not in again]
        reopened.add(incident.pk)
    return rest, reopened


def _open_again(found: Found, incident: Incident) -> None:
    advance(incident, "open", actor=WORKER, source=SOURCE, reason="It came back within the follow-up of its fix")
    Incident.objects.filter(pk=incident.pk).update(
        reopened=incident.reopened + 1,
        reopened_at=Now(),
        follow_up_left=0,
        resolution="",
        resolution_comment="",
        resolved_at=None,
        run=found.run or incident.run,
    )


def _join(found: Found, incident: Incident, members: Sequence[tuple[Sighting, Role, str]]) -> None:
    _remember(found, incident, members)
    first, role, why = members[0]
    audit.record(
        "incident.event_joined",
        incident,
        actor=WORKER,
        source=SOURCE,
        reason=why,
        detail={"event": found.event.pk, "role": role, "title": first.problem.title, "findings": len(members)},
    )


def _remember(found: Found, incident: Incident, members: Sequence[tuple[Sighting, Role, str]]) -> None:
    rows = {
        sighting.asset: IncidentEvent(
            incident=incident,
            event=found.event,
            asset_id=sighting.asset,
            role=role,
            why=why[:200],
            message=sighting.problem.message or sighting.problem.title,
        )
        for sighting, role, why in reversed(members)
    }
    IncidentEvent.objects.bulk_create(rows.values(), ignore_conflicts=True)


def _adopt_or_open(found: Found, sightings: Sequence[Sighting]) -> int:
    """One incident for what is left of an event: the oldest one below its root is lifted, otherwise a new one opens."""
    root = root_of(sightings)
    downstream = lineage.below([root.asset])[root.asset]
    below = Incident.objects.filter(root_asset__in=downstream.keys() - {root.asset}, status__in=ADOPTABLE)
    candidates = _as_candidates(below.select_related("run").order_by("opened_at", "pk"))
    root = replace(root, **_history(found, root, candidates))
    caused = [candidate for candidate in candidates if is_above(root, candidate, downstream)]
    incident = _lift(root, caused[0]) if caused else _open(found, root)
    others = [sighting for sighting in sightings if sighting.problem is not root.problem]
    members = [(root, Role.ROOT, "It stands above everything else that failed" if others else "It was seen first")]
    _remember(found, incident, [*members, *((other, Role.SYMPTOM, "It failed in the same run") for other in others)])
    for younger in caused[1:]:
        _fold_in(incident, younger)
    _count(incident, downstream)
    audit.record(
        "incident.event_joined" if caused else "incident.open",
        incident,
        actor=WORKER,
        source=SOURCE,
        reason=root.problem.title,
        after="" if caused else "open",
        detail={
            "event": found.event.pk,
            "role": Role.ROOT,
            "asset": root.problem.asset.uri,
            "findings": len(sightings),
        },
    )
    if step := NEXT.get(("incident", incident.status)):
        ring_after_commit(step, incident.pk)
    return incident.pk


def _open(found: Found, root: Sighting) -> Incident:
    incident = Incident.objects.create(
        status="open", connection_id=root.connection, run=found.run, **_root_fields(root), **_opener(found, root)
    )
    incident.refresh_from_db()
    return incident


def _root_fields(root: Sighting) -> dict[str, object]:
    problem = root.problem
    return {
        "title": problem.title[:300],
        "summary": " ".join(problem.message.split())[:300],
        "severity": problem.severity or "warning",
        "root_asset_id": root.asset,
        "signature": problem.signature,
    }


def _opener(found: Found, root: Sighting) -> dict[str, object]:
    problem, run = root.problem, found.run
    kind = "check" if problem.kind != "job" else "job"
    job = run.job.ref.uri if run else ""
    named = {"kind": kind, "of": problem.kind, "job": job, "node": problem.node, "check": problem.check}
    return {"opened_by": {**named, "asset": problem.asset.uri, "key": problem.key}}


def _lift(root: Sighting, candidate: Candidate) -> Incident:
    """An incident gets a root further upstream; what opened it stays, because that must pass again too."""
    incident = Incident.objects.get(pk=candidate.pk)
    Incident.objects.filter(pk=incident.pk).update(**_root_fields(root))
    IncidentEvent.objects.filter(incident=incident, role=Role.ROOT).update(role=Role.SYMPTOM)
    incident.refresh_from_db()
    if incident.status == "escalated":
        advance(incident, "diagnosing", actor=WORKER, source=SOURCE, reason="A problem upstream of its root was found")
    return incident


def _fold_in(incident: Incident, younger: Candidate) -> None:
    """Its members move, and it is resolved as a duplicate."""
    folded = Incident.objects.get(pk=younger.pk)
    there = incident.members.values_list("event", "asset")
    for member in folded.members.all():
        if (member.event_id, member.asset_id) not in set(there):
            IncidentEvent.objects.filter(pk=member.pk).update(incident=incident, role=Role.SYMPTOM)
    advance(folded, "resolved", actor=WORKER, source=SOURCE, reason=f"Its root is downstream of {incident}")
    Incident.objects.filter(pk=folded.pk).update(
        resolution="duplicate", resolution_comment=f"Part of {incident}.", resolved_at=timezone.now()
    )


def _count(incident: Incident, downstream: lineage.Distances) -> None:
    """How far it reaches. A dashboard that somebody owns makes it high."""
    below = Asset.objects.filter(pk__in=downstream.keys() - {incident.root_asset_id})
    dashboards = list(below.filter(kind="dashboard").only("owner"))
    raised = incident.severity in {"warning", "info", "low"} and any(asset.owner for asset in dashboards)
    Incident.objects.filter(pk=incident.pk).update(
        downstream_count=below.exclude(kind="job").count(),
        dashboard_count=len(dashboards),
        severity="high" if raised else incident.severity,
    )
