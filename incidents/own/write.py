"""Write a signature of one's own, change, archive and take it back. Every version is kept."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from app.core import audit
from app.core.audit import Actor, Source
from app.core.errors import Invalid, Stale
from app.core.models import User
from app.core.roles import require
from incidents.own.candidate import Candidate, checked, refuse_healthy
from incidents.own.models import OwnSignature, OwnVersion
from incidents.own.try_out import Tried, try_out

MOST = 500  # in use: what each line of a log may be compared with


def create(candidate: Candidate, *, by: User, actor: Actor, source: str | Source) -> OwnSignature:
    """In use from now on. Raises NotAllowed, and Invalid for what cannot be kept or would match healthy logs."""
    require(by, "knowledge.manage")
    tried = proven(candidate)
    _require_room()
    made = OwnSignature(author=by, **candidate.content)
    try:
        with transaction.atomic():
            made.save(force_insert=True)
            _keep(made, "signature.written", tried, by=by, actor=actor, source=source)
    except IntegrityError as error:
        raise _taken(candidate) from error
    return made


def update(
    row: OwnSignature, candidate: Candidate, *, version: int, by: User, actor: Actor, source: str | Source
) -> OwnSignature:
    """The next version, on top of `version`. Raises Stale when somebody saved meanwhile; else like `create`."""
    require(by, "knowledge.manage")
    tried = proven(candidate)
    try:
        with transaction.atomic():
            live = OwnSignature.objects.select_for_update().get(pk=row.pk)
            if live.version != version:
                raise Stale(f"Version {live.version} was saved meanwhile. Read it, then save yours on top of it.")
            if live.state == "archived":
                raise Invalid("It is archived. Take it back first.")
            if live.content == candidate.content:
                return live
            for name, value in candidate.content.items():
                setattr(live, name, value)
            live.version += 1
            live.save()
            _keep(live, "signature.changed", tried, by=by, actor=actor, source=source)
    except IntegrityError as error:
        raise _taken(candidate) from error
    return live


def archive(row: OwnSignature, *, by: User, actor: Actor, source: str | Source) -> OwnSignature:
    """No diagnosis uses it any more; past ones keep what they said. Raises NotAllowed, Invalid."""
    return _move(row, "archived", "signature.archived", by=by, actor=actor, source=source)


def take_back(row: OwnSignature, *, by: User, actor: Actor, source: str | Source) -> OwnSignature:
    """In use again, if it still passes the checks. Raises NotAllowed, Invalid."""
    require(by, "knowledge.manage")
    proven(Candidate.of(row.content))
    _require_room()
    return _move(row, "in use", "signature.restored", by=by, actor=actor, source=source)


def proven(candidate: Candidate) -> Tried:
    """What it would have matched. Raises Invalid for what cannot be kept, or matches the logs of good runs."""
    checked(candidate)
    tried = try_out(candidate)
    refuse_healthy(tried.healthy_matched, tried.healthy_lines)
    return tried


def _move(row: OwnSignature, to: str, event: str, *, by: User, actor: Actor, source: str | Source) -> OwnSignature:
    require(by, "knowledge.manage")
    with transaction.atomic():
        live = OwnSignature.objects.select_for_update().get(pk=row.pk)
        before = live.state
        if before == to:
            raise Invalid(f"It is {to} already.")
        _changed(live, state=to)
        audit.record(event, live, actor=actor, source=source, before=before, after=to)
    return live


def _keep(row: OwnSignature, event: str, tried: Tried, *, by: User, actor: Actor, source: str | Source) -> None:
    OwnVersion.objects.create(signature=row, number=row.version, content=row.content, by=by)
    if row.version > 1:
        _changed(row)
    told = {"version": row.version, "pattern": row.pattern, "subtype": row.subtype, "rank": row.rank}
    told |= {"past_runs": tried.runs_matched, "tried": tried.runs}
    audit.record(event, row, actor=actor, source=source, after=row.state, detail=told)


def _require_room() -> None:
    if OwnSignature.objects.filter(state="in use").count() >= MOST:
        raise Invalid(f"There are {MOST} signatures in use. Archive one first.")


def _changed(row: OwnSignature, **fields: str) -> None:
    """Counted by the database, so that each process notices it."""
    OwnSignature.objects.filter(pk=row.pk).update(changes=F("changes") + 1, changed_at=Now(), **fields)
    row.refresh_from_db()


def _taken(candidate: Candidate) -> Invalid:
    return Invalid(f"There is a signature called {candidate.name} already. Change that one, or choose another name.")
