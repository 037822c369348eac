"""`/api/v1/connections`: what Settings › Connections shows and does."""

from __future__ import annotations

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router

from app.core.door import Token, by, person
from integrations import set_up
from integrations.models import Connection
from integrations.schemas import ConnectionIn, ConnectionItem, ConnectionMade, SwitchConnectionIn

router = Router(tags=["connections"])


@router.get("", response=list[ConnectionItem], auth=Token("read", "connection.read"))
def connections(request: HttpRequest) -> list[Connection]:
    return list(Connection.objects.order_by("name"))


@router.post("", response={201: ConnectionMade}, auth=Token("propose", "connection.manage"))
def add(request: HttpRequest, given: ConnectionIn) -> tuple[int, Connection]:
    """The key is in this answer and nowhere else."""
    made, key = set_up.add(given.name, given.kind, given.config, given.secrets, **by(request))
    made.key = key  # type: ignore[attr-defined]
    return 201, made


@router.patch("/{slug:name}", response=ConnectionItem, auth=Token("propose", "connection.manage"))
def switch(request: HttpRequest, name: str, given: SwitchConnectionIn) -> Connection:
    found = get_object_or_404(Connection, name=name)
    set_up.switch(found, on=given.enabled, **by(request))
    return found


@router.post("/{slug:name}/key", response={201: ConnectionMade}, auth=Token("propose", "connection.manage"))
def new_key(request: HttpRequest, name: str) -> tuple[int, Connection]:
    found = get_object_or_404(Connection, name=name)
    found.key = set_up.new_key(found, **by(request))  # type: ignore[attr-defined]
    return 201, found


@router.post("/{slug:name}/test", response={202: ConnectionItem}, auth=Token("propose", "connection.manage"))
def test(request: HttpRequest, name: str) -> tuple[int, Connection]:
    found = get_object_or_404(Connection, name=name)
    set_up.ask_test(found, by=person(request))
    found.refresh_from_db()
    return 202, found
