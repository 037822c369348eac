"""The page behind the link of a request: it needs no account, and shows that one request and nothing else."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from app.core.audit import Source
from app.core.errors import CountersignError, Invalid
from app.core.limits import caller, spend
from approvals.asking.answer import answer, latest
from approvals.asking.forms import AnswerForm
from approvals.asking.link import find
from approvals.models import Request

AN_ADDRESS, A_REQUEST = 60, 20  # answers in 15 minutes
PRESSED = "Too many answers. Nothing was kept; wait a little."
ENDED = {
    "proved": "Thank you. The data is there, and this is closed.",
    "not_me": "Thank you for telling us. Others were asked.",
    "late": "The time to answer is over, and others were asked.",
    "over": "This was settled meanwhile. There is nothing left to do.",
}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def asked(request: HttpRequest, token: str) -> HttpResponse:
    """Reading changes nothing, because whatever previews links in a mailbox or a chat reads as well."""
    if request.method == "POST":
        spend("answer", {caller(_ip(request)): AN_ADDRESS}, words=PRESSED)
    found = find(token)
    if found is None:
        return _private(render(request, "requests/unknown.html", status=404))
    error: CountersignError | None = None
    if request.method == "POST":
        error = _answered(request, found)
        if error is None:
            return _private(redirect("asked", token=token))
    shown = _shown(found) | {"error": error}
    return _private(render(request, "requests/page.html", shown, status=error.status if error else 200))


def _answered(request: HttpRequest, found: Request) -> CountersignError | None:
    spend("answer", {f"request {found.pk}": A_REQUEST}, words=PRESSED)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return Invalid("Press one of the answers; words have at most 2,000 characters, and a day is a date.")
    given, source = form.cleaned_data, Source("web", _ip(request), request.headers.get("User-Agent", ""))
    try:
        answer(found, given["kind"], words=given["words"], name=given["name"], until=form.until, source=source)
    except CountersignError as refused:
        found.refresh_from_db()
        return refused
    return None


def _shown(found: Request) -> dict[str, object]:
    answers = list(found.answers.order_by("pk"))
    said = next((one for one in reversed(answers) if one.kind == "done"), None)
    return {
        "ask": found,
        "answers": answers,
        "ended": ENDED.get(found.outcome, ENDED["over"]) if found.closed_at else "",
        "latest": latest(found),
        "looking": bool(said and (found.looked_at is None or found.looked_at < said.at)),
    }


def _private(answer: HttpResponse) -> HttpResponse:
    """Of no use to a search engine. Browsers tell the address to this site alone (SECURE_REFERRER_POLICY)."""
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def _ip(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
