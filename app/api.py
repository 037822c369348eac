"""The API: everything a page does is also here. OpenAPI at /api/docs."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe
from ninja import NinjaAPI, Router
from ninja.errors import ValidationError
from ninja.parser import Parser

from app.accounts import people, tokens
from app.core.door import Token, by, person
from app.core.errors import CountersignError
from app.core.models import ApiToken, User
from app.schemas import Me, PersonChange, PersonIn, PersonItem, RecordPage, TokenIn, TokenItem, TokenMade
from app.trail import queries
from approvals.api import router as approvals
from approvals.policy.api import router as policy
from incidents.api import assets
from incidents.api import router as incidents
from incidents.bodies import read_object
from incidents.own.api import router as signatures
from integrations.api import router as connections
from integrations.values import Json
from knowledge.api import router as knowledge


class PlainBodies(Parser):
    """Reads bodies as the doors do: bounded in depth, and without characters that PostgreSQL refuses."""

    def parse_body(self, request: HttpRequest) -> Json:
        return read_object(request.body)


api = NinjaAPI(
    title="Countersign",
    version="1",
    docs_url="/docs",
    openapi_url="/openapi.json",
    docs_decorator=require_safe,
    parser=PlainBodies(),
)
root = Router(tags=["people and trail"])


@root.get("/me", response=Me, auth=Token("read", "token.own"))
def me(request: HttpRequest) -> dict[str, Any]:
    who = person(request)
    scopes = request.token.scopes  # type: ignore[attr-defined]
    return {"username": who.username, "name": who.label, "roles": who.roles, "scopes": scopes}


@root.get("/audit", response=RecordPage, auth=Token("read", "audit.read"))
def trail(request: HttpRequest) -> dict[str, Any]:
    """The filters of the audit page: q, event, actor, door, from, outcome, and `before` for the next page."""
    found = queries.page(request.GET)
    return {"items": found.records, "older": found.older}


@root.get("/audit/{int:pk}", response=dict[str, Any], auth=Token("read", "audit.read"))
def audit_record(request: HttpRequest, pk: int) -> dict[str, Any]:
    shown = queries.shown(pk)
    if shown is None:
        raise Http404
    chain = [{"seq": link.seq, "record": link.record_id, "hash": link.hash} for link in shown.neighbours]
    return {"sentence": shown.sentence, "fits": shown.fits, "chain": chain}


@root.get("/people", response=list[PersonItem], auth=Token("read", "people.manage"))
def everybody(request: HttpRequest) -> list[User]:
    return list(User.objects.order_by("username"))


@root.post("/people", response={201: PersonItem}, auth=Token("propose", "people.manage"))
def invite(request: HttpRequest, given: PersonIn) -> tuple[int, User]:
    return 201, people.invite(**given.dict(), **by(request))


@root.patch("/people/{int:pk}", response=PersonItem, auth=Token("propose", "people.manage"))
def change_person(request: HttpRequest, pk: int, given: PersonChange) -> User:
    found = get_object_or_404(User, pk=pk)
    if given.is_active is not None:
        (people.enable if given.is_active else people.disable)(found, **by(request))
    if (given.roles, given.groups, given.on_call) != (None, None, None):
        roles = found.roles if given.roles is None else given.roles
        on_call = found.on_call if given.on_call is None else given.on_call
        groups = found.member_of if given.groups is None else given.groups
        people.change(found, roles=roles, groups=groups, on_call=on_call, **by(request))
    return found


@root.get("/tokens", response=list[TokenItem], auth=Token("read", "token.own"))
def my_tokens(request: HttpRequest) -> list[ApiToken]:
    return list(ApiToken.objects.filter(user=person(request), revoked_at=None).order_by("-created_at"))


@root.post("/tokens", response={201: TokenMade}, auth=Token("propose", "token.own"))
def make_token(request: HttpRequest, given: TokenIn) -> tuple[int, ApiToken]:
    """A token cannot make one that reaches further or lives longer than itself. Its text is in this answer alone."""
    own: ApiToken = request.token  # type: ignore[attr-defined]
    wish = [one for one in given.scopes if one in own.scopes]
    who = by(request)
    made, text = tokens.make(
        who["by"],
        given.name,
        scopes=wish,
        days=given.days,
        actor=who["actor"],
        source=who["source"],
        until=own.expires_at,
    )
    made.token = text  # type: ignore[attr-defined]
    return 201, made


@root.delete("/tokens/{int:pk}", response={204: None}, auth=Token("propose", "token.own"))
def revoke_token(request: HttpRequest, pk: int) -> tuple[int, None]:
    tokens.revoke(get_object_or_404(ApiToken, pk=pk, user=person(request)), **by(request))
    return 204, None


@api.exception_handler(CountersignError)
def refuse(request: HttpRequest, error: CountersignError) -> HttpResponse:
    return api.create_response(request, {"error": error.code, "message": str(error)}, status=error.status)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    words = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors)
    return api.create_response(request, {"error": "invalid", "message": words}, status=422)


api.add_router("/v1", root)
api.add_router("/v1/incidents", incidents)
api.add_router("/v1/assets", assets)
api.add_router("/v1/connections", connections)
api.add_router("/v1/knowledge", knowledge)
api.add_router("/v1", signatures)
api.add_router("/v1", policy)
api.add_router("/v1", approvals)
