"""Reads of what people know."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import cast

from django.contrib.postgres.search import SearchQuery
from django.core.paginator import Page, Paginator
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from app.core.audit import storable
from app.core.models import User
from integrations.values import Json
from knowledge.models import CONFIG, Citation, Draft, Entry, Revision
from knowledge.rights import visible

DUE_WITHIN = timedelta(days=30)  # a review is due this long before its date
PAGE = 50  # entries on one page of the list
VERSIONS = 40  # that are listed


def entries(viewer: User, filters: Json | None = None) -> QuerySet[Entry]:
    """What `matching` finds, newest first, with `cited`, `right`, `misled` and `last_cited`."""
    return with_use(matching(viewer, filters)).order_by("-updated_at", "-pk")


def page(viewer: User, filters: Json, number: int) -> Page[Entry]:
    """One page of `entries`; how often each was cited is counted for its rows alone."""
    rows = matching(viewer, filters).order_by("-updated_at", "-pk").values_list("pk", flat=True)
    keys = Paginator(rows, PAGE).get_page(number)
    drawn = with_use(Entry.objects.filter(pk__in=list(keys.object_list))).select_related("author", "owner")
    return Page(list(drawn.order_by("-updated_at", "-pk")), keys.number, cast("Paginator[Entry]", keys.paginator))


def matching(viewer: User, filters: Json | None = None) -> QuerySet[Entry]:
    """What `viewer` may see.

    Filters, all optional: q, kind, owner (`me`, `none` or a user's id), review (due, overdue), trust (human, draft,
    dbt), state (draft, signed, archived or all; without it everything but archived).
    """
    given = {name: storable(str(value)).strip() for name, value in (filters or {}).items()}
    rows = Entry.objects.filter(visible(viewer)).select_related("author", "owner")
    state = given.get("state", "")
    rows = rows if state == "all" else rows.filter(state=state) if state else rows.exclude(state="archived")
    for name, narrow in (("kind", _kind), ("owner", _owner), ("review", _review), ("trust", _trust), ("q", _text)):
        if value := given.get(name):
            rows = rows.filter(narrow(value, viewer))
    return rows


def with_use(rows: QuerySet[Entry]) -> QuerySet[Entry]:
    return rows.annotate(
        cited=Count("citations"),
        right=Count("citations", filter=Q(citations__outcome="right")),
        misled=Count("citations", filter=Q(citations__outcome="misled")),
        last_cited=Max("citations__at"),
    )


def entry(viewer: User, pk: int) -> Entry | None:
    return with_use(Entry.objects.filter(visible(viewer), pk=pk)).select_related("author", "owner", "signed_by").first()


def by_key(pks: Iterable[int]) -> dict[int, Entry]:
    """Entries that everybody may see, with how often each was cited; one query."""
    return with_use(Entry.objects.filter(visible(None))).in_bulk(list(pks))


def due_count(viewer: User) -> int:
    """Signed entries whose review is due or overdue."""
    return Entry.objects.filter(visible(viewer), _due()).count()


def citations(of: Entry, limit: int = 20) -> list[Citation]:
    return list(of.citations.order_by("-at")[:limit])


def revisions(of: Entry) -> list[Revision]:
    """Its newest versions, each with who saved it."""
    return list(of.revisions.select_related("by")[:VERSIONS])


def revision(of: Entry, number: int) -> Revision | None:
    return of.revisions.select_related("by", "entry").filter(number=number).first()


def owners(viewer: User) -> list[User]:
    """Who owns something that `viewer` may see."""
    pks = Entry.objects.filter(visible(viewer)).exclude(owner=None).values("owner")
    return list(User.objects.filter(pk__in=pks).order_by("username")[:200])


def draft(person: User, of: Entry | None) -> Draft | None:
    """What `person` typed and has not saved."""
    return Draft.objects.filter(person=person, entry=of).first()


def review_state(of: Entry, today: date | None = None) -> str:
    """`overdue`, `due`, or empty."""
    now = today or timezone.now().date()
    if of.review_by is None or of.state != "signed":
        return ""
    return "overdue" if of.review_by < now else "due" if of.review_by <= now + DUE_WITHIN else ""


def _due() -> Q:
    return Q(state="signed", review_by__lte=timezone.now().date() + DUE_WITHIN)


def _kind(value: str, viewer: User) -> Q:
    return Q(kind=value.lower())


def _owner(value: str, viewer: User) -> Q:
    if value == "me":
        return Q(owner=viewer)
    return Q(owner=None) if value == "none" else Q(owner=int(value)) if value.isdecimal() else Q()


def _review(value: str, viewer: User) -> Q:
    today = timezone.now().date()
    return {"overdue": Q(state="signed", review_by__lt=today), "due": _due()}.get(value.lower(), Q())


def _trust(value: str, viewer: User) -> Q:
    told = {"draft": Q(state="draft"), "dbt": Q(origin="dbt"), "human": Q(state="signed") & ~Q(origin="dbt")}
    return told.get(value.lower(), Q())


def _text(value: str, viewer: User) -> Q:
    return Q(search=SearchQuery(value, config=CONFIG, search_type="websearch")) | Q(words__icontains=value)
