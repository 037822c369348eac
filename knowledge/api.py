"""`/api/v1/knowledge`: what the list and the editor show and do.

What comes by token is a draft until a person signs it; what is signed already is changed on the page.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest
from ninja import Router
from ninja.params.functions import Query

from app.core.door import Token, by, person
from app.core.errors import Invalid, NotAllowed
from app.core.models import User
from knowledge import archive as archived
from knowledge import queries
from knowledge.hints import parse
from knowledge.models import Entry, Revision
from knowledge.recall import Hit, recall
from knowledge.rule import Case
from knowledge.schemas import (
    ArchiveIn,
    CaseIn,
    ClashOut,
    EntryChange,
    EntryDetail,
    EntryIn,
    EntryPage,
    HitItem,
    RevisionItem,
    VersionIn,
)
from knowledge.sign import sign
from knowledge.write import Clash, Content, create, update

router = Router(tags=["knowledge"])
MOST = 200  # items a page


@router.get("", response=EntryPage, auth=Token("read", "knowledge.read"))
def entries(
    request: HttpRequest,
    q: str = "",
    kind: str = "",
    owner: str = "",
    review: str = "",
    trust: str = "",
    state: str = "",
    limit: int = Query(50, ge=1, le=MOST),
    offset: int = Query(0, ge=0),
) -> dict[str, Any]:
    """Newest first; the filters are those of the page."""
    filters = {"q": q, "kind": kind, "owner": owner, "review": review, "trust": trust, "state": state}
    rows = queries.entries(person(request), filters)
    return {"items": list(rows[offset : offset + limit]), "count": rows.order_by().count()}


@router.post("", response={201: EntryDetail}, auth=Token("propose", "knowledge.write"))
def write(request: HttpRequest, given: EntryIn) -> tuple[int, Entry]:
    """A draft. 422 for a rule or a hint that cannot be read, with the place."""
    made = create(_content(given), draft=True, **by(request))
    return 201, _find(request, made.pk)


@router.post("/recall", response=list[HitItem], auth=Token("read", "knowledge.read"))
def search(request: HttpRequest, given: CaseIn) -> list[dict[str, Any]]:
    """Signed entries that may help, the most helpful first, each with why it was found."""
    lists = {"columns": tuple(given.columns), "dashboards": tuple(given.dashboards)}
    return [_hit(hit) for hit in recall(Case(**{**given.dict(), **lists}), person(request))]


@router.get("/{int:pk}", response=EntryDetail, auth=Token("read", "knowledge.read"))
def entry(request: HttpRequest, pk: int) -> Entry:
    return _find(request, pk)


@router.get("/{int:pk}/revisions", response=list[RevisionItem], auth=Token("read", "knowledge.read"))
def revisions(request: HttpRequest, pk: int) -> list[Revision]:
    """Every version, the newest first."""
    return list(_find(request, pk).revisions.select_related("by"))


@router.patch("/{int:pk}", response={200: EntryDetail, 409: ClashOut}, auth=Token("propose", "knowledge.write"))
def change(request: HttpRequest, pk: int, given: EntryChange) -> tuple[int, Any]:
    """The next version of a draft. 409 with the other's text when somebody saved meanwhile."""
    found = _find(request, pk)
    try:
        with transaction.atomic():  # locked, because somebody may be signing it
            if Entry.objects.select_for_update().get(pk=pk).state == "signed":
                raise NotAllowed("What is signed is changed by a person, on the page.")
            update(found, _content(given), version=given.version, **by(request))
    except Clash as clash:
        return 409, {"error": clash.code, "message": str(clash), "theirs": clash.theirs}
    return 200, _find(request, pk)


@router.post("/{int:pk}/sign", response=EntryDetail, auth=Token("decide", "knowledge.manage"))
def sign_draft(request: HttpRequest, pk: int, given: VersionIn) -> Entry:
    sign(_find(request, pk), version=given.version, **by(request))
    return _find(request, pk)


@router.post("/{int:pk}/archive", response=EntryDetail, auth=Token("decide", "knowledge.manage"))
def archive(request: HttpRequest, pk: int, given: ArchiveIn) -> Entry:
    archived.archive(_find(request, pk), reason=given.reason, **by(request))
    return _find(request, pk)


def _find(request: HttpRequest, pk: int) -> Entry:
    found = queries.entry(person(request), pk)
    if found is None:
        raise Http404
    return found


def _content(given: EntryIn) -> Content:
    owner = User.objects.filter(username=given.owner).first() if given.owner else None
    if given.owner and owner is None:
        raise Invalid(f"There is nobody called {given.owner}.")
    return Content(
        given.kind,
        given.title,
        given.rule,
        given.body,
        parse(given.hints),
        tuple(given.readers),
        given.review_by,
        owner,
    )


def _hit(hit: Hit) -> dict[str, Any]:
    entry = hit.entry
    return {
        "entry": entry.pk,
        "version": entry.version,
        "title": entry.title,
        "text": entry.body,
        "why": hit.why,
        "applies": hit.applies,
        "hints": entry.hints,
    }
