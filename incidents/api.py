"""`/api/v1/incidents`: what the inbox and the incident page show and do."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router
from ninja.params.functions import Query

from app.core.door import Token, by, person
from app.core.errors import Invalid
from app.core.models import User
from app.core.roles import require
from incidents import asset_queries, usual, work
from incidents.models import Asset, Incident
from incidents.resolve import resolve
from incidents.schemas import (
    AssetDetail,
    AssetPage,
    AssignIn,
    CommentIn,
    IncidentDetail,
    IncidentPage,
    MuteIn,
    MuteItem,
    ResolveIn,
)
from incidents.watched import Mute, Widening

router = Router(tags=["incidents"])
MOST = 200  # items a page
COUNTED = 10_000  # a count stops here, because counting all of history gets slower as it grows


@router.get("", response=IncidentPage, auth=Token("read", "incident.read"))
def incidents(
    request: HttpRequest,
    status: str = "",
    failure_class: str = "",
    root_asset: str = "",
    q: str = "",
    limit: int = Query(50, ge=1, le=MOST),
    offset: int = Query(0, ge=0, le=COUNTED),
) -> dict[str, Any]:
    """Newest first. `status` takes several, by commas; `count` stops at 10,000."""
    rows = Incident.objects.select_related("root_asset", "connection", "owner").order_by("-number")
    if status:
        rows = rows.filter(status__in=status.split(","))
    if failure_class:
        rows = rows.filter(failure_class=failure_class)
    if root_asset:
        rows = rows.filter(root_asset__name=root_asset)
    if q:
        rows = rows.filter(title__icontains=q)
    return {"items": list(rows[offset : offset + limit]), "count": rows.order_by()[:COUNTED].count()}


@router.get("/{int:number}", response=IncidentDetail, auth=Token("read", "incident.read"))
def incident(request: HttpRequest, number: int) -> Incident:
    found = _find(number)
    found.diagnosis = found.diagnoses.order_by("-id").first()  # type: ignore[attr-defined]
    return found


@router.post("/{int:number}/assign", response=IncidentDetail, auth=Token("propose", "incident.work"))
def assign(request: HttpRequest, number: int, given: AssignIn) -> Incident:
    owner = User.objects.filter(username=given.owner).first() if given.owner else None
    if given.owner and owner is None:
        raise Invalid(f"There is nobody called {given.owner}.")
    work.assign(_find(number), owner, **by(request))
    return incident(request, number)


@router.post("/{int:number}/comments", response={201: dict[str, Any]}, auth=Token("propose", "incident.work"))
def comment(request: HttpRequest, number: int, given: CommentIn) -> tuple[int, dict[str, Any]]:
    made = work.comment(_find(number), given.text, **by(request))
    return 201, {"id": made.pk, "at": made.at}


@router.post("/{int:number}/resolve", response=IncidentDetail, auth=Token("propose", "incident.work"))
def resolve_incident(request: HttpRequest, number: int, given: ResolveIn) -> Incident:
    who = by(request)
    require(who["by"], "incident.work")
    resolve(_find(number), given.resolution, comment=given.comment, actor=who["actor"], source=who["source"])
    return incident(request, number)


@router.post("/{int:number}/diagnose", response=IncidentDetail, auth=Token("propose", "incident.work"))
def diagnose(request: HttpRequest, number: int) -> Incident:
    work.diagnose_again(_find(number), **by(request))
    return incident(request, number)


def _find(number: int) -> Incident:
    rows = Incident.objects.select_related("root_asset", "connection", "owner")
    return get_object_or_404(rows.prefetch_related("evidence", "proposals"), number=number)


# --- assets ------------------------------------------------------------------------------------------------------

assets = Router(tags=["assets"])


@assets.get("", response=AssetPage, auth=Token("read", "incident.read"))
def listed(request: HttpRequest, q: str = "", kind: str = "", after: int = 0) -> dict[str, Any]:
    """By name. `after` is the id of the last asset of the page before."""
    last = Asset.objects.filter(pk=after).first()
    rows, more = asset_queries.listed(q, kind, (last.name, last.pk) if last else None)
    items = [
        {**{name: getattr(row.asset, name) for name in ("id", "namespace", "name", "kind", "owner")},
         **{name: getattr(row, name) for name in ("state", "rows", "looked_at", "open_incidents")}}
        for row in rows
    ]  # fmt: skip
    return {"items": items, "next": more.pk if more else None}


@assets.get("/{int:pk}", response=AssetDetail, auth=Token("read", "incident.read"))
def asset(request: HttpRequest, pk: int) -> dict[str, Any]:
    found = get_object_or_404(Asset, pk=pk)
    page = asset_queries.page_of(found, person(request))
    own = {name: getattr(found, name) for name in ("id", "namespace", "name", "kind", "owner")}
    return own | {
        "last_load": page.last_load, "detectors": page.detectors, "mutes": page.mutes, "usual": page.taught,
    }  # fmt: skip


@assets.post("/{int:pk}/mutes", response={201: MuteItem}, auth=Token("propose", "incident.work"))
def mute_detector(request: HttpRequest, pk: int, given: MuteIn) -> tuple[int, Mute]:
    found = get_object_or_404(Asset, pk=pk)
    return 201, usual.mute(found, given.check, reason=given.reason, until=given.until, **by(request))


@assets.delete("/mutes/{int:pk}", response={204: None}, auth=Token("propose", "incident.work"))
def unmute_detector(request: HttpRequest, pk: int) -> tuple[int, None]:
    usual.unmute(get_object_or_404(Mute.objects.select_related("asset"), pk=pk), **by(request))
    return 204, None


@assets.delete("/usual/{int:pk}", response={204: None}, auth=Token("propose", "incident.work"))
def take_back(request: HttpRequest, pk: int) -> tuple[int, None]:
    usual.take_back(get_object_or_404(Widening.objects.select_related("asset"), pk=pk), **by(request))
    return 204, None
