"""The editor's page: the entry, or what was typed on top of it, with all that stands around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from app.core.door import person
from app.core.errors import Invalid, NotAllowed
from app.core.models import User
from integrations.values import Json
from knowledge import queries
from knowledge.diff import differing
from knowledge.forms import EntryForm, shown
from knowledge.hints import Hint, parse
from knowledge.models import Entry, Revision
from knowledge.rights import InForce, may_edit, require_edit, require_safe
from knowledge.write import Clash, Content, in_force

# Common ones; any other can be typed.
ZONES = (
    "UTC", "Europe/London", "Europe/Berlin", "Europe/Paris", "America/New_York", "America/Chicago",
    "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney",
)  # fmt: skip
# What a version keeps, and so what has something that both began from: attribute -> words.
WRITTEN = {"title": "title", "rule": "match rule", "body": "text", "hints": "hints"}


def new_page(request: HttpRequest, form: EntryForm | None = None, *, status: int = 200) -> HttpResponse:
    """An empty editor, or the one that this person left: what was typed is there again, and says so."""
    kept = queries.draft(person(request), None) if form is None else None
    first = {**shown(Content("runbook", "", owner=person(request))), **_asked(request)}
    form = form or EntryForm(initial=first | (kept.content if kept else {}) | {"version": 0})
    form.fields["title"].widget.attrs["autofocus"] = True
    context = {"form": form, "kept": kept, "next": 1, "zones": ZONES}
    return render(request, "knowledge/edit.html", context, status=status)


def entry_page(
    request: HttpRequest,
    entry: Entry,
    form: EntryForm | None = None,
    *,
    clash: Clash | None = None,
    status: int = 422,
) -> HttpResponse:
    """The editor for whom may change it, else the page to read; with `clash` the two texts stand side by side."""
    about = around(request, entry)
    if not about["may_edit"] or entry.state == "archived":
        about["errors"] = form.non_field_errors() if form else []
        return render(request, "knowledge/entry.html", about)
    kept = None if form else queries.draft(person(request), entry)
    if kept and kept.content == as_typed(entry):
        kept = None
    if clash and form:
        form, told = _on_top(entry, form, clash)
        about |= told
    status = 409 if clash else status if form else 200
    form = form or (_form(entry, kept.content, kept.base_version) if kept else _form(entry, None, entry.version))
    behind = clash is None and str(form["version"].value() or 0) != str(entry.version)
    about |= {"form": form, "kept": kept, "behind": behind, "zones": ZONES, "next": entry.version + 1}
    about["must_ask"] = _refused(person(request), entry)
    return render(request, "knowledge/edit.html", about, status=status)


def around(request: HttpRequest, entry: Entry) -> dict[str, Any]:
    """What every page of an entry shows, and whether this person may change it; if not, why."""
    why_not = ""
    try:
        require_edit(person(request), entry)
    except NotAllowed as error:
        why_not = str(error)
    return {
        "entry": entry,
        "hints": hints_of(entry),
        "revisions": queries.revisions(entry),
        "citations": queries.citations(entry, 5),
        "review": queries.review_state(entry),
        "may_edit": may_edit(person(request), entry),
        "why_not": why_not,
    }


def hints_of(entry: Entry | Revision) -> Sequence[Hint]:
    """Its hints; none where they cannot be read, because an earlier version kept them otherwise."""
    try:
        return parse(entry.hints)
    except Invalid:
        return ()


def _form(entry: Entry, content: Json | None, version: int) -> EntryForm:
    return EntryForm(initial=shown(Content.of(entry)) | (content or {}) | {"version": version}, entry=entry)


def as_typed(entry: Entry) -> Json:
    """What the untouched form of the entry would send."""
    fresh = _form(entry, None, entry.version)
    values = {name: fresh[name].value() for name in fresh.fields if name != "version"}
    return {name: value if isinstance(value, list) else str(value or "") for name, value in values.items()}


def _asked(request: HttpRequest) -> Json:
    """What a link to the editor fills in: a title, a rule, a kind."""
    return {name: request.GET[name][:1000] for name in ("title", "rule", "kind") if name in request.GET}


def _on_top(entry: Entry, form: EntryForm, clash: Clash) -> tuple[EntryForm, Json]:
    """A form that saves on top of the other person's version, and in what the two differ.

    A part that only they changed is taken over; where both did, what was typed stays and theirs is shown beside.
    """
    theirs, mine = Content.of(entry), form.content()
    based = queries.revision(entry, int(form.cleaned_data["version"] or 0))
    base = Content.of(based) if based else theirs
    names = [name for name in WRITTEN if getattr(mine, name) == getattr(base, name) != getattr(theirs, name)]
    merged = replace(mine, **{name: getattr(theirs, name) for name in names})
    again = EntryForm(initial=shown(merged) | {"version": clash.theirs.number}, entry=entry)
    parts = differing(_in_words(theirs), _in_words(merged))
    return again, {"clash": clash.theirs, "parts": parts, "taken": [WRITTEN[name] for name in names]}


def _in_words(content: Content) -> dict[str, str]:
    return {
        "Title": content.title,
        "Kind": content.kind,
        "Applies when": content.rule,
        "Text": content.body,
        "Hints": "\n".join(hint.sentence for hint in content.hints),
        "Review due": str(content.review_by or "no date"),
        "Owner": content.owner.label if content.owner else "nobody",
        "Who may see it": ", ".join(content.readers) or "everybody",
    }


def _refused(user: User, entry: Entry) -> str:
    """Why this person cannot sign the draft; empty where they can."""
    if entry.state != "draft":
        return ""
    try:
        require_safe(user, InForce(), in_force(Content.of(entry), "signed"), own=entry.author_id == user.pk)
    except NotAllowed as error:
        return str(error)
    return ""
