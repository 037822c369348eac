"""Pages of what people know: the list, the editor and what stands beside it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from app.core.door import needs, person
from knowledge import editor, queries
from knowledge.diff import diff
from knowledge.forms import FilterForm
from knowledge.models import Entry

SHOWN = 16_000  # characters that a preview shows: it is made again while somebody types


@require_safe
@needs("knowledge.read")
def entries(request: HttpRequest) -> HttpResponse:
    filters, viewer = FilterForm(request.GET).chosen(), person(request)
    number = request.GET.get("page", "")
    page = queries.page(viewer, filters, int(number) if number.isdecimal() else 1)
    shown = {
        "rows": [(entry, queries.review_state(entry)) for entry in page.object_list],
        "page": page,
        "filters": filters,
        "narrowed": bool(filters),
        "total": queries.matching(viewer).count(),
        "due": queries.due_count(viewer),
        "owners": queries.owners(viewer),
        "older": f"?{urlencode(filters | {'page': str(page.next_page_number())})}" if page.has_next() else "",
        "newer": f"?{urlencode(filters)}" if page.has_previous() else "",
    }
    return render(request, "knowledge/list.html", shown)


@require_safe
@needs("knowledge.read")
def entry(request: HttpRequest, pk: int) -> HttpResponse:
    return editor.entry_page(request, found(request, pk))


@require_safe
@needs("knowledge.read")
def version(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """One version, and what it changed."""
    of = found(request, pk)
    this = queries.revision(of, number)
    if this is None:
        raise Http404(f"There is no version {number}.")
    shown = editor.around(request, of) | {"this": this, "parts": diff(queries.revision(of, number - 1), this)}
    return render(request, "knowledge/version.html", shown)


@require_POST
@needs("knowledge.write")
def preview(request: HttpRequest) -> HttpResponse:
    """The text as it will look; nothing is kept."""
    body = request.POST.get("body", "")
    return render(request, "knowledge/_preview.html", {"body": body[:SHOWN], "is_cut": len(body) > SHOWN})


def found(request: HttpRequest, pk: int) -> Entry:
    """The entry, unless it is not there for this person."""
    entry = queries.entry(person(request), pk)
    if entry is None:
        raise Http404("There is no such entry, or it is not for you to see.")
    return entry
