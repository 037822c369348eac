"""Reads of signatures: the team's own, those of the files, and the published list of subtypes."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.paginator import Page, Paginator

from app.core.errors import Invalid
from incidents.own.candidate import Candidate, signature
from incidents.own.models import OwnSignature, OwnVersion
from incidents.signatures import Signature, load
from incidents.subtypes import SUBTYPES, Subtype

PAGE = 15  # of those of the files, on one page
VERSIONS = 40  # that are listed


def own(state: str = "") -> list[OwnSignature]:
    """Those in use first, then by name; at most a few hundred (`write.MOST`)."""
    rows = OwnSignature.objects.select_related("author").order_by("-state", "name")
    return list(rows.filter(state=state) if state else rows)


def versions(row: OwnSignature) -> list[OwnVersion]:
    return list(row.versions.select_related("by")[:VERSIONS])


def version(row: OwnSignature, number: int) -> OwnVersion | None:
    return row.versions.filter(number=number).first()


def built_in(words: str = "", failure_class: str = "") -> list[Signature]:
    """Of the files: those with every word of `words` in what is shown of them."""
    sought = words.lower().split()
    return [one for one in _by_tool() if failure_class in ("", one.failure_class) and _has(one, sought)]


def page(words: str, failure_class: str, number: int) -> Page[Signature]:
    return Paginator(built_in(words, failure_class), PAGE).get_page(number)


def subtypes() -> list[Subtype]:
    """The published list, by class in the order of `subtypes.py`."""
    return list(SUBTYPES.values())


def in_words(rows: Iterable[OwnSignature]) -> list[tuple[OwnSignature, Signature | None]]:
    """Each with the signature that it is; None for one that this release cannot use."""
    return [(row, _readable(row)) for row in rows]


def _readable(row: OwnSignature) -> Signature | None:
    try:
        return signature(Candidate.of(row.content), row.version)
    except (Invalid, KeyError):
        return None


def _by_tool() -> list[Signature]:
    return sorted(load(), key=lambda one: (one.tool, one.id))


def _has(one: Signature, words: list[str]) -> bool:
    text = f"{one.id} {one.tool} {one.failure_class} {one.subtype} {one.means} {one.matches}".lower()
    return all(word in text for word in words)
