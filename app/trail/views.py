"""The audit page, its drawer, and the export."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from app.core import audit
from app.core.canonical import canonical
from app.core.door import actor_of, needs, source_of
from app.core.models import AuditRecord
from app.trail import queries

EXPORT_LIMIT = 200_000  # rows; more leave by the command
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins so


@require_GET
@needs("audit.read")
def trail_page(request: HttpRequest) -> HttpResponse:
    found = queries.page(request.GET)
    rows = [(record, audit.sentence(record)) for record in found.records]
    chosen = request.GET.get("record", "")
    wish = request.GET.copy()
    for gone in ("record", "before"):
        wish.pop(gone, None)
    context = {
        "rows": rows,
        "older": found.older,
        "wish": wish.urlencode(),
        "chain": queries.chain(),
        "events": audit.EVENTS,
        "doors": queries.DOORS,
        "shown": queries.shown(int(chosen)) if chosen.isdigit() else None,
    }
    return render(request, "audit/trail.html", context)


@require_GET
@needs("audit.read")
def record_drawer(request: HttpRequest, pk: int) -> HttpResponse:
    shown = queries.shown(pk)
    if shown is None:
        raise Http404
    return render(request, "audit/_record.html", {"shown": shown, "payload": _payload(shown)})


@require_POST
@needs("audit.export")
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The filtered trail as CSV, with the chain; the export is itself a record."""
    with transaction.atomic():
        wish = request.POST.urlencode()
        audit.record("audit.exported", "trail", actor=actor_of(request), source=source_of(request), reason=wish[:500])
    rows = queries.matching(request.POST).select_related("seal").order_by("id")[:EXPORT_LIMIT]
    writer = csv.writer(_Echo())
    header = [
        "record",
        "time",
        "event",
        "outcome",
        "actor",
        "door",
        "incident",
        "subject",
        "fingerprint",
        "reason",
        "seq",
        "hash",
    ]

    def lines() -> Iterator[str]:
        yield writer.writerow(header)
        for row in rows.iterator(2000):
            yield writer.writerow([_cell(value) for value in _cells(row)])

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="countersign-audit.csv"'
    return answer


class _Echo:
    """csv.writer's file that gives each line back."""

    def write(self, line: str) -> str:
        return line


def _cells(row: AuditRecord) -> list[object]:
    link = getattr(row, "seal", None)
    return [
        row.pk,
        row.time.isoformat(),
        row.event,
        row.outcome,
        row.actor["name"],
        row.source["door"],
        row.correlation or "",
        row.subject["name"],
        row.fingerprint,
        row.reason,
        link.seq if link else "",
        link.hash if link else "",
    ]


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _payload(shown: queries.Shown) -> str:
    """What the seal covers, laid out for reading."""
    row = shown.record
    sealed = json.loads(canonical({name: getattr(row, name) for name in audit.FIELDS}))
    return json.dumps(sealed, indent=2, ensure_ascii=False)
