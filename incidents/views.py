"""Pages of incidents. Each block that can change has an address of its own and answers 204 when it did not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from app.core.door import actor_of, by, needs, person, source_of
from app.core.errors import Invalid
from app.core.http import htmx
from app.core.models import AuditRecord, User
from app.core.roles import may
from incidents import queries
from incidents.evidence_panels import panels, version_of
from incidents.forms import AnnotationForm, AssignForm, CommentForm, FilterForm, ResolveForm
from incidents.models import CLASSES, RESOLUTIONS, Incident
from incidents.resolve import resolve
from incidents.standing import standing, stepper
from incidents.story import story
from incidents.work import assign, comment, diagnose_again
from knowledge.annotations import annotate

page_or_fragment = vary_on_headers("HX-Request")


# --- the inbox ---------------------------------------------------------------------------------------------------


@require_safe
@needs("incident.read")
@page_or_fragment
def inbox(request: HttpRequest) -> HttpResponse:
    filters = FilterForm(request.GET).chosen()
    is_open = filters.get("status", "open") == "open" and "before" not in filters
    shown = _open(filters, person(request)) if is_open else _history(filters, person(request))
    shown |= {"filters": filters, "classes": CLASSES, "sources": queries.sources()}
    shown["query"] = urlencode({**filters, "since": timezone.now().isoformat()})
    shown["narrowed"] = sorted(filters.keys() - {"status", "before"})
    return render(request, "incidents/_table.html" if htmx(request) else "incidents/list.html", shown)


@require_safe
@needs("incident.read")
def new(request: HttpRequest) -> HttpResponse:
    """How many moved since the list was drawn: rows are never reordered under the pointer."""
    filters = FilterForm(request.GET).chosen()
    try:
        since = datetime.fromisoformat(request.GET.get("since", ""))
    except ValueError as error:
        raise Invalid("`since` must be an ISO time.") from error
    if timezone.is_naive(since):
        raise Invalid("`since` must name its zone.")
    count = queries.changed_since(since, filters, person(request))
    shown = {"count": count, "filters": urlencode(filters), "query": urlencode({**filters, "since": since.isoformat()})}
    return render(request, "incidents/_new.html", shown)


@require_safe
@needs("incident.read")
def row(request: HttpRequest, number: int) -> HttpResponse:
    return render(request, "incidents/_row.html", {"row": queries.rows([_found(number)])[0]})


# --- one incident ------------------------------------------------------------------------------------------------


@require_safe
@needs("incident.read")
@page_or_fragment
def detail(request: HttpRequest, number: int) -> HttpResponse:
    incident, trail = _found(number), queries.trail(number)
    shown = _head(incident, request, trail) | _findings(incident) | _timeline(incident, trail)
    return render(request, "incidents/detail.html", shown)


@require_safe
@needs("incident.read")
def head(request: HttpRequest, number: int) -> HttpResponse:
    return render(request, "incidents/_header.html", _head(_found(number), request))


@require_safe
@needs("incident.read")
def findings(request: HttpRequest, number: int) -> HttpResponse:
    shown = _findings(_found(number))
    if request.GET.get("have") == shown["version"]:
        return HttpResponse(status=204)
    return render(request, "incidents/_findings.html", shown | {"oob": True})


@require_safe
@needs("incident.read")
def timeline(request: HttpRequest, number: int) -> HttpResponse:
    shown = _timeline(_found(number))
    if request.GET.get("have") == shown["last"]:
        return HttpResponse(status=204)
    return render(request, "incidents/_timeline.html", shown)


# --- what people do ----------------------------------------------------------------------------------------------


@require_POST
@needs("incident.work")
def assign_to(request: HttpRequest, number: int) -> HttpResponse:
    incident, wanted = _found(number), request.POST.get("owner", "")
    form = AssignForm(request.POST)
    if not form.is_valid() or not (wanted in {"", "me"} or wanted.isdigit()):
        raise Invalid("Choose a person from the list.")
    owner = person(request) if wanted == "me" else User.objects.filter(pk=int(wanted or 0), is_active=True).first()
    if wanted and owner is None:
        raise Invalid("This person is not there any more. Reload and choose again.")
    assign(incident, owner, **by(request))
    return _changed(request, incident, "incidents/_header.html", _head(incident, request))


@require_POST
@needs("incident.work")
def add_comment(request: HttpRequest, number: int) -> HttpResponse:
    incident, form = _found(number), CommentForm(request.POST)
    text = _clean(form)["text"]
    comment(incident, text, **by(request))
    return _changed(request, incident, "incidents/_timeline.html", _timeline(incident))


@require_POST
@needs("incident.work")
def ask_diagnosis(request: HttpRequest, number: int) -> HttpResponse:
    incident = _found(number)
    diagnose_again(incident, **by(request))
    return _changed(request, incident, "incidents/_header.html", _head(incident, request))


@require_POST
@needs("incident.work")
def resolve_by_person(request: HttpRequest, number: int) -> HttpResponse:
    incident, sent = _found(number), _clean(ResolveForm(request.POST))
    resolve(incident, sent["resolution"], comment=sent["comment"], actor=actor_of(request), source=source_of(request))
    return _changed(request, incident, "incidents/_header.html", _head(_found(number), request))


@require_POST
@needs("knowledge.write")
def add_annotation(request: HttpRequest, number: int) -> HttpResponse:
    incident, text = _found(number), _clean(AnnotationForm(request.POST))["text"]
    annotate(incident.root_asset.ref, text, incident=incident.number, **by(request))
    return _changed(request, incident, "incidents/_tacit.html", {"incident": incident, "saved": True})


# --- parts of the page -------------------------------------------------------------------------------------------


def _open(filters: dict[str, str], user: User) -> dict[str, Any]:
    groups = queries.groups(filters, user)
    going = [group for group in groups if group.key != "resolved"]
    return {
        "groups": groups,
        "count": queries.count_of(going),
        "needed": queries.count_of([group for group in going if group.key == "decide"]),
        "is_calm": not going and not filters.keys() - {"status"},
        "last": None if going else queries.last_resolved(),
    }


def _history(filters: dict[str, str], user: User) -> dict[str, Any]:
    rows, before = queries.page(filters, user)
    newest: dict[str, str] = {name: value for name, value in filters.items() if name != "before"}
    return {
        "groups": [queries.Group("history", "Incidents", "Newest first", rows, before is not None)] if rows else [],
        "older": f"?{urlencode({**newest, 'before': str(before)})}" if before else "",
        "newer": f"?{urlencode(newest)}" if "before" in filters else "",
    }


def _head(incident: Incident, request: HttpRequest, trail: list[AuditRecord] | None = None) -> dict[str, Any]:
    newest = queries.newest_proposal(incident)
    trail = queries.trail(incident.number) if trail is None else trail
    return {
        "incident": incident,
        "standing": standing(incident.status, newest),
        "steps": stepper(incident.status, newest, trail),
        "expires_at": newest.expires_at,
        "source": queries.source_of(incident.connection),
        "people": queries.people() if may(person(request), "incident.work") else [],
        "resolutions": RESOLUTIONS,
        "ended": incident.resolved_at or timezone.now(),
    }


def _findings(incident: Incident) -> dict[str, Any]:
    diagnosis, evidence = queries.diagnosis_of(incident), queries.evidence_of(incident)
    version = version_of(diagnosis, evidence)
    shown = {"incident": incident, "diagnosis": diagnosis, "session": queries.session_of(diagnosis)}
    return {**shown, "panels": panels(evidence), "version": version}


def _timeline(incident: Incident, trail: list[AuditRecord] | None = None) -> dict[str, Any]:
    trail = queries.trail(incident.number) if trail is None else trail
    return {
        "incident": incident,
        "story": story(trail, queries.comments(incident)),
        "first": trail[0].pk if trail else None,
        "last": str(trail[-1].pk) if trail else "",
    }


def _found(number: int) -> Incident:
    try:
        return queries.find(number)
    except Incident.DoesNotExist as error:
        raise Http404(f"There is no INC-{number}.") from error


def _clean(form: Any) -> dict[str, Any]:
    if not form.is_valid():
        raise Invalid(" ".join(str(words) for many in form.errors.values() for words in many))
    return dict(form.cleaned_data)


def _changed(request: HttpRequest, incident: Incident, fragment: str, shown: dict[str, Any]) -> HttpResponse:
    """The block that changed, with a bell for its neighbours; without script, the page again."""
    if not htmx(request):
        return redirect("incident", number=incident.number)
    answer = render(request, fragment, shown)
    answer.headers["HX-Trigger"] = "incident-changed"
    return answer
