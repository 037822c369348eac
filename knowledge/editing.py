"""What people do in the editor: each leads back to the page, which says what happened."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from app.core.door import By, by, needs, person
from app.core.errors import CountersignError, Invalid
from knowledge import archive as archived
from knowledge import drafts, editor, queries
from knowledge import sign as signing
from knowledge.forms import EntryForm, typed
from knowledge.models import Entry
from knowledge.views import found
from knowledge.write import Clash, Content, create, update


@require_http_methods(["GET", "HEAD", "POST"])
@needs("knowledge.write")
def new(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return editor.new_page(request)
    form = EntryForm(request.POST)
    try:
        if not form.is_valid():
            return editor.new_page(request, form, status=422)
        made = create(form.content(), draft=request.POST.get("act") == "draft", **by(request))
    except CountersignError as error:
        form.add_error(None, str(error))
        return editor.new_page(request, form, status=error.status)
    messages.success(request, "Saved as a draft." if made.state == "draft" else "Saved. Diagnoses use it from now on.")
    return redirect("knowledge-entry", pk=made.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@needs("knowledge.write")
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """Save the next version; with `act=sign` a draft is signed too."""
    if request.method != "POST":  # who was signed out comes back here, and what was typed is kept
        return redirect("knowledge-entry", pk=pk)
    entry = found(request, pk)
    form = EntryForm(request.POST, entry=entry)
    if not form.is_valid():
        return editor.entry_page(request, entry, form)
    try:
        saved = _saved(entry, form, by(request))
        if request.POST.get("act") == "sign":
            signing.sign(saved, version=saved.version, **by(request))
            messages.success(request, "Signed. Diagnoses use it from now on.")
    except Clash as clash:
        return editor.entry_page(request, found(request, pk), form, clash=clash)
    except CountersignError as error:
        form.add_error(None, str(error))
        return editor.entry_page(request, found(request, pk), form, status=error.status)
    if saved.version == entry.version and request.POST.get("act") != "sign":
        messages.info(request, "Nothing was changed, so there is no new version.")
    elif saved.version != entry.version:
        messages.success(request, f"Saved as version {saved.version}.")
    return redirect("knowledge-entry", pk=pk)


@require_POST
@needs("knowledge.write")
def keep(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Keep what is being typed, so that a closed tab loses nothing."""
    entry = found(request, pk) if pk else None
    form = EntryForm(request.POST, entry=entry)
    content = typed(form)
    same = content == editor.as_typed(entry) if entry else not any(content[name] for name in ("title", "rule", "body"))
    if same:  # typed and taken back, or saved meanwhile
        drafts.forget(person(request), entry)
        return HttpResponse()
    version = request.POST.get("version", "")
    drafts.autosave(person(request), entry, content, base_version=int(version) if version.isdecimal() else 0)
    return render(request, "knowledge/_kept.html", {"at": timezone.now()})


@require_POST
@needs("knowledge.write")
def discard(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    drafts.forget(person(request), found(request, pk) if pk else None)
    messages.info(request, "What you had typed was discarded.")
    return redirect("knowledge-entry", pk=pk) if pk else redirect("knowledge-new")


@require_POST
@needs("knowledge.write")
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    signing.sign(found(request, pk), version=_version(request), **by(request))
    messages.success(request, "Signed. Diagnoses use it from now on.")
    return redirect("knowledge-entry", pk=pk)


@require_POST
@needs("knowledge.write")
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    archived.archive(found(request, pk), **by(request))
    messages.success(request, "Archived. No diagnosis uses it any more; its versions stay.")
    return redirect("knowledge-entry", pk=pk)


@require_POST
@needs("knowledge.write")
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    archived.restore(found(request, pk), **by(request))
    messages.success(request, "Back as a draft: sign it to have diagnoses use it.")
    return redirect("knowledge-entry", pk=pk)


@require_POST
@needs("knowledge.write")
def restore_version(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """What an earlier version said becomes the next one."""
    entry = found(request, pk)
    old = queries.revision(entry, number)
    if old is None:
        raise Invalid(f"There is no version {number}.")
    saved = update(entry, Content.of(old), version=_version(request), **by(request))
    messages.success(request, f"Version {number} is back, as version {saved.version}.")
    return redirect("knowledge-entry", pk=pk)


def _saved(entry: Entry, form: EntryForm, who: By) -> Entry:
    """The entry with what was sent; the same version where nothing is different."""
    version, content = int(form.cleaned_data["version"] or 0), form.content()
    if version == entry.version and content == Content.of(entry):
        drafts.forget(who["by"], entry)
        return entry
    return update(entry, content, version=version, **who)


def _version(request: HttpRequest) -> int:
    sent = request.POST.get("version", "")
    if not sent.isdecimal():
        raise Invalid("Say which version you read. Reload the page.")
    return int(sent)
