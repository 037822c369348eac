"""Settings › Signatures: the lists, the editor, and what a signature would have matched in past logs."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from app.core.door import by, needs
from app.core.errors import CountersignError, Invalid
from app.core.http import htmx
from app.core.roles import may
from incidents.models import CLASSES
from incidents.own import queries, write
from incidents.own.candidate import Candidate, checked, refuse_healthy
from incidents.own.forms import SignatureForm, shown, typed
from incidents.own.models import OwnSignature
from incidents.own.try_out import DAYS, try_out


@require_safe
@needs("knowledge.read")
@vary_on_headers("HX-Request")
def signatures(request: HttpRequest) -> HttpResponse:
    """The whole page, or while somebody searches the list of the built-in ones alone."""
    context = _built_in(request)
    if htmx(request) and not htmx(request).history_restore_request:
        return render(request, "signatures/_built_in.html", context)
    context |= {"own": queries.in_words(queries.own()), "subtypes": queries.subtypes(), "tab": "signatures"}
    return render(request, "signatures/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@needs("knowledge.manage")
def new(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        form = SignatureForm(initial={"pattern": request.GET.get("pattern", "")[:500], "rank": "cause"})
        form.fields["name"].widget.attrs["autofocus"] = True
        return _editor(request, form)
    form = SignatureForm(request.POST)
    try:
        if not form.is_valid() or not _was_tried(form):
            return _editor(request, form, status=422)
        write.create(form.candidate(), **by(request))
    except CountersignError as error:
        form.add_error(None, str(error))
        return _editor(request, form, status=error.status)
    messages.success(request, "Saved. Diagnoses use it from now on.")
    return redirect("signatures")


@require_safe
@needs("knowledge.read")
def signature(request: HttpRequest, pk: int) -> HttpResponse:
    """The editor for whom may change it, else the page to read; `version` fills in an earlier one."""
    row = _found(pk)
    number = request.GET.get("version", "")
    old = queries.version(row, int(number)) if number.isdecimal() and len(number) < 9 else None
    first = shown(Candidate.of(old.content if old else row.content)) | {"version": row.version}
    return _editor(request, SignatureForm(initial=first), row)


@require_POST
@needs("knowledge.manage")
def save(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _found(pk), SignatureForm(request.POST)
    try:
        if not form.is_valid() or not _was_tried(form, row):
            return _editor(request, form, row, status=422)
        saved = write.update(row, form.candidate(), version=form.cleaned_data["version"] or 0, **by(request))
    except CountersignError as error:
        form.add_error(None, str(error))
        return _editor(request, form, _found(pk), status=error.status)
    if saved.version == row.version:
        messages.info(request, "Nothing was changed, so there is no new version.")
    else:
        messages.success(request, f"Saved as version {saved.version}. Diagnoses use it from now on.")
    return redirect("signature", pk=pk)


@require_POST
@needs("knowledge.manage")
def tried(request: HttpRequest) -> HttpResponse:
    """What it would have matched, while it is typed; nothing is kept."""
    return render(request, "signatures/_tried.html", _tried(typed(request.POST)))


@require_POST
@needs("knowledge.manage")
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    write.archive(_found(pk), **by(request))
    messages.success(request, "Archived. No diagnosis uses it any more; its versions stay.")
    return redirect("signature", pk=pk)


@require_POST
@needs("knowledge.manage")
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    write.take_back(_found(pk), **by(request))
    messages.success(request, "In use again.")
    return redirect("signature", pk=pk)


def _built_in(request: HttpRequest) -> dict[str, Any]:
    words, kind = request.GET.get("q", "")[:200], request.GET.get("class", "")
    kind = kind if kind in CLASSES else ""
    number = request.GET.get("page", "")
    page = queries.page(words, kind, int(number) if number.isdecimal() and len(number) < 9 else 1)
    kept = {"q": words, "class": kind}
    return {
        "page": page, "q": words, "kind": kind, "classes": CLASSES,
        "next": urlencode(kept | {"page": page.next_page_number()}) if page.has_next() else "",
        "before": urlencode(kept | {"page": page.previous_page_number()}) if page.has_previous() else "",
    }  # fmt: skip


def _editor(
    request: HttpRequest, form: SignatureForm, row: OwnSignature | None = None, *, status: int = 200
) -> HttpResponse:
    manage = may(request.user, "knowledge.manage")
    values = {name: str(form[name].value() or "") for name in ("pattern", "literals", "follow")}
    context: dict[str, Any] = {
        "form": form,
        "row": row,
        "tab": "signatures",
        "manage": manage and (not row or row.state == "in use"),
    }
    context |= {"may_move": manage, "versions": queries.versions(row) if row else []}
    context |= {"read": queries.in_words([row])[0][1] if row else None}
    if context["manage"] and values["pattern"]:
        context |= _tried(typed(values))
    return render(request, "signatures/edit.html", context, status=status)


def _tried(candidate: Candidate) -> dict[str, Any]:
    if not candidate.pattern:
        return {}
    try:
        found = try_out(candidate)
        refuse_healthy(found.healthy_matched, found.healthy_lines)
    except Invalid as error:
        return {"refused": str(error)}
    return {"found": found, "sought": candidate.sought, "digest": candidate.digest, "days": DAYS}


def _was_tried(form: SignatureForm, row: OwnSignature | None = None) -> bool:
    """What is saved is what somebody has seen tried; a change that does not touch it needs no second look.

    Raises Invalid for what cannot be kept at all.
    """
    given = form.candidate()
    checked(given)
    if form.cleaned_data["tried"] == given.digest or (row and Candidate.of(row.content).digest == given.digest):
        return True
    form.add_error(None, "Look first at what it would have matched, below. Then save.")
    return False


def _found(pk: int) -> OwnSignature:
    return get_object_or_404(OwnSignature.objects.select_related("author"), pk=pk)
