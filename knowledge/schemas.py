"""Entries as the API gives and takes them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from ninja import Field, Schema

from knowledge.models import Entry, Revision

NAMES = 500  # of one kind in a case: each is tried against hundreds of rules
Distance = Annotated[int, Field(ge=0, le=1000)]


class EntryItem(Schema):
    id: int
    kind: str
    title: str
    rule: str
    state: str
    trust: str
    origin: str
    author: str | None
    owner: str | None
    review_by: date | None
    version: int
    incident_number: int | None
    updated_at: datetime
    cited: int
    right: int
    misled: int

    @staticmethod
    def resolve_author(row: Entry) -> str | None:
        return row.author.username if row.author else None

    @staticmethod
    def resolve_owner(row: Entry) -> str | None:
        return row.owner.username if row.owner else None


class EntryDetail(EntryItem):
    body: str
    hints: list[dict[str, Any]]
    readers: list[str]


class EntryPage(Schema):
    items: list[EntryItem]
    count: int


class EntryIn(Schema):
    kind: str
    title: str
    rule: str = ""
    body: str = ""
    hints: list[Any] = []
    readers: list[str] = []
    review_by: date | None = None
    owner: str | None = None  # user name


class EntryChange(EntryIn):
    version: int


class VersionIn(Schema):
    version: int


class ArchiveIn(Schema):
    reason: str = ""


class RevisionItem(Schema):
    number: int
    title: str
    rule: str
    body: str
    hints: list[dict[str, Any]]
    by: str | None
    at: datetime
    door: str

    @staticmethod
    def resolve_by(row: Revision) -> str | None:
        return row.by.username if row.by else None


class ClashOut(Schema):
    """Somebody saved meanwhile: what is there now."""

    error: str
    message: str
    theirs: RevisionItem


class CaseIn(Schema):
    """What broke, as far as known; `assets` are names with their distance upstream, 0 for what broke."""

    assets: dict[str, Distance] = Field({}, max_length=NAMES)
    connector: str = ""
    connection: str = ""
    failure_class: str = ""
    subtype: str = ""
    error: str = ""
    status: str = ""
    columns: list[str] = Field([], max_length=NAMES)
    dashboards: list[str] = Field([], max_length=NAMES)
    text: str = ""


class HitItem(Schema):
    entry: int
    version: int
    title: str
    text: str
    why: str
    applies: bool
    hints: list[dict[str, Any]]
