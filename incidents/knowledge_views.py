"""Where incidents and what people know meet: what a rule would have matched, and what an incident taught."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from app.core.audit import storable
from app.core.door import by, needs
from incidents import queries
from incidents.lesson import is_told, lesson
from incidents.matching import SHOWN, Found, would_match
from incidents.models import Incident
from knowledge.capture import content_of, draft_from
from knowledge.rule import RULE_LIMIT, RuleError


@require_POST
@needs("knowledge.read")
def rule_matches(request: HttpRequest) -> HttpResponse:
    """What the rule would have matched, while it is typed; what cannot be read is said in words."""
    rule = storable(request.POST.get("rule", ""))[: RULE_LIMIT + 1].replace("\r\n", "\n")
    try:
        shown: dict[str, Any] = {"rule": rule.strip()} | _told(would_match(rule))
    except RuleError as error:
        shown = {"error": error}
    return render(request, "knowledge/_match.html", shown)


@require_safe
@needs("knowledge.write")
def lesson_of(request: HttpRequest, number: int) -> HttpResponse:
    """The note that could be drafted from what happened; nothing while nothing has been learned."""
    incident = _found(number)
    if not is_told(incident):
        return HttpResponse(status=204)
    return render(request, "incidents/_lesson.html", {"incident": incident, "draft": content_of(lesson(incident))})


@require_POST
@needs("knowledge.write")
def capture(request: HttpRequest, number: int) -> HttpResponse:
    """Open the editor with a draft of what happened."""
    return redirect("knowledge-entry", pk=draft_from(lesson(_found(number)), **by(request)).pk)


def _told(found: Found) -> dict[str, Any]:
    same, count = found.same, len(found.past)
    closed = f"{same[1]} of the {count} closed with {same[0]}." if same else ""
    incidents = f"{count} incident{'s' * (count != 1)}"
    return {
        "open": found.open[:SHOWN],
        "past": found.past[:SHOWN],
        "count_open": len(found.open),
        "count_past": count,
        "tried": found.tried,
        "same": closed,
        "past_words": f"{incidents}, {same[1]} closed with {same[0]}" if same else incidents,
    }


def _found(number: int) -> Incident:
    try:
        return queries.find(number)
    except Incident.DoesNotExist as error:
        raise Http404(f"There is no INC-{number}.") from error
