"""`/api/v1/signatures` and `/api/v1/subtypes`: what logs say, and what can go wrong."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router
from ninja.params.functions import Query

from app.core.door import Token, by
from incidents.own import queries, write
from incidents.own.models import OwnSignature
from incidents.own.schemas import (
    SignatureChange,
    SignatureIn,
    SignatureItem,
    SignaturePage,
    SubtypeItem,
    TriedOut,
    of_file,
    of_row,
    tried_out,
)
from incidents.subtypes import Subtype

MOST, FARTHEST = 200, 10_000  # items a page, and where the last page may begin

router = Router(tags=["signatures"])


@router.get("/subtypes", response=list[SubtypeItem], auth=Token("read", "knowledge.read"))
def subtypes(request: HttpRequest) -> list[Subtype]:
    """The published list of what can go wrong: class, what it means, what usually heals it, the likeliest first."""
    return queries.subtypes()


@router.get("/signatures", response=SignaturePage, auth=Token("read", "knowledge.read"))
def known(
    request: HttpRequest,
    q: str = "",
    failure_class: str = "",
    own: bool = False,
    limit: int = Query(50, ge=1, le=MOST),
    offset: int = Query(0, ge=0, le=FARTHEST),
) -> dict[str, Any]:
    """Those of the files; with `own` the team's, archived ones too."""
    if not own:
        found = queries.built_in(q[:200], failure_class)
        return {"items": [of_file(one) for one in found[offset : offset + limit]], "count": len(found)}
    rows = [row for row in queries.own() if q.lower() in f"{row.name} {row.means} {row.pattern}".lower()]
    return {"items": [of_row(row) for row in rows[offset : offset + limit]], "count": len(rows)}


@router.post("/signatures", response={201: SignatureItem}, auth=Token("propose", "knowledge.manage"))
def write_signature(request: HttpRequest, given: SignatureIn) -> tuple[int, dict[str, Any]]:
    """A new one of the team's; refused when it matches the logs of good runs. Try it first."""
    return 201, of_row(write.create(given.candidate(), **by(request)))


@router.post("/signatures/try", response=TriedOut, auth=Token("propose", "knowledge.manage"))
def try_signature(request: HttpRequest, given: SignatureIn) -> dict[str, Any]:
    """What it would have matched in the logs that are kept, newest first. Nothing is written."""
    return tried_out(write.proven(given.candidate()))


@router.patch("/signatures/{int:pk}", response=SignatureItem, auth=Token("propose", "knowledge.manage"))
def change_signature(request: HttpRequest, pk: int, given: SignatureChange) -> dict[str, Any]:
    """The next version, on top of `version`; 409 when somebody saved meanwhile."""
    row = get_object_or_404(OwnSignature, pk=pk)
    return of_row(write.update(row, given.candidate(), version=given.version, **by(request)))


@router.post("/signatures/{int:pk}/archive", response=SignatureItem, auth=Token("propose", "knowledge.manage"))
def archive_signature(request: HttpRequest, pk: int) -> dict[str, Any]:
    return of_row(write.archive(get_object_or_404(OwnSignature, pk=pk), **by(request)))


@router.post("/signatures/{int:pk}/take-back", response=SignatureItem, auth=Token("propose", "knowledge.manage"))
def take_back_signature(request: HttpRequest, pk: int) -> dict[str, Any]:
    return of_row(write.take_back(get_object_or_404(OwnSignature, pk=pk), **by(request)))
