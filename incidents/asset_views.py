"""Pages of assets: the list, one asset with its detectors, and what people tell them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from app.core.door import by, needs, person
from app.core.errors import Invalid
from app.core.http import htmx
from incidents import asset_queries, queries
from incidents.forms import AssetFilterForm, MuteForm
from incidents.models import Asset, Incident
from incidents.usual import mute, take_back, unmute
from incidents.watched import Mute, Widening


@require_safe
@needs("incident.read")
@vary_on_headers("HX-Request")
def assets(request: HttpRequest) -> HttpResponse:
    chosen = AssetFilterForm(request.GET).chosen()
    after = (chosen["after"], int(chosen["at"])) if chosen.get("after") and chosen.get("at") else None
    rows, last = asset_queries.listed(chosen.get("q", ""), chosen.get("kind", ""), after)
    kept = {name: chosen[name] for name in ("q", "kind") if chosen.get(name)}
    shown = {
        "rows": rows,
        "filters": kept,
        "kinds": asset_queries.KINDS,
        "older": f"?{urlencode({**kept, 'after': last.name, 'at': str(last.pk)})}" if last else "",
        "newer": f"?{urlencode(kept)}" if after else "",
    }
    return render(request, "assets/_table.html" if htmx(request) else "assets/list.html", shown)


@require_safe
@needs("incident.read")
def asset(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "assets/detail.html", _shown(request, get_object_or_404(Asset, pk=pk)))


@require_POST
@needs("incident.work")
def mute_detector(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Asset, pk=pk)
    _mute(request, found, None)
    return _changed(request, found)


@require_POST
@needs("incident.work")
def lift_mute(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Mute.objects.select_related("asset"), pk=pk)
    unmute(found, **by(request))
    return _changed(request, found.asset)


@require_POST
@needs("incident.work")
def unlearn(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Widening.objects.select_related("asset"), pk=pk)
    take_back(found, **by(request))
    return _changed(request, found.asset)


@require_POST
@needs("incident.work")
def mute_for_incident(request: HttpRequest, number: int) -> HttpResponse:
    """From the page of an incident that a detector opened."""
    try:
        incident = queries.find(number)
    except Incident.DoesNotExist as error:
        raise Http404(f"There is no INC-{number}.") from error
    _mute(request, incident.root_asset, incident)
    return redirect("incident", number=number)


def _mute(request: HttpRequest, found: Asset, incident: Incident | None) -> None:
    form = MuteForm(request.POST)
    if not form.is_valid():
        raise Invalid(" ".join(str(words) for many in form.errors.values() for words in many))
    sent = form.cleaned_data
    until = timezone.now() + timedelta(days=int(sent["days"]))
    number = incident.number if incident else None
    mute(found, sent["check"], reason=sent["reason"], until=until, incident=number, **by(request))


def _shown(request: HttpRequest, found: Asset) -> dict[str, Any]:
    return {"asset": found, "page": asset_queries.page_of(found, person(request)), "days": MuteForm.DAYS}


def _changed(request: HttpRequest, found: Asset) -> HttpResponse:
    """The detectors again; without script, the page."""
    if not htmx(request):
        return redirect("asset", pk=found.pk)
    return render(request, "assets/_detectors.html", _shown(request, found))
