"""One entry as a markdown file: front matter in YAML, then the text. Pure but for looking up owners."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import yaml

from app.core.audit import storable
from app.core.errors import Invalid
from app.core.models import User
from integrations.values import Json
from knowledge import hints as typed
from knowledge.write import Content

MARK = "---"
FILE_LIMIT = 64_000  # characters
FIELDS = {"id", "kind", "title", "rule", "hints", "readers", "owner", "review_by"}


@dataclass(frozen=True)
class File:
    """What a file says; `entry` is the key of the entry that it was written from, where it names one."""

    content: Content
    entry: int | None = None


class _Loader(yaml.SafeLoader):
    """Without aliases: a few lines of them grow to any size."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


def dump(content: Content, entry: int) -> str:
    """The file; the same entry gives the same bytes."""
    told: Json = {"id": entry, "kind": content.kind, "title": content.title}
    told |= {"rule": content.rule} if content.rule else {}
    told |= {"hints": typed.as_json(content.hints)} if content.hints else {}
    told |= {"readers": list(content.readers)} if content.readers else {}
    told |= {"owner": content.owner.username} if content.owner else {}
    told |= {"review_by": content.review_by} if content.review_by else {}
    head = yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=10_000)
    return f"{MARK}\n{head}{MARK}\n\n{content.body.strip()}\n"


def load(text: str, name: str) -> File:
    """Raises Invalid, naming the file and what is wrong with it."""
    if len(text) > FILE_LIMIT:
        raise Invalid(f"{name}: a note has at most {FILE_LIMIT} characters.")
    told, body = _parts(text.replace("\r\n", "\n"), name)
    if unknown := set(told) - FIELDS:
        raise Invalid(f"{name}: unknown in the front matter: {', '.join(sorted(map(str, unknown)))}.")
    try:
        return File(_content(told, body, name), _key(told.get("id")))
    except Invalid as error:
        raise Invalid(f"{name}: {error}") from error


def content_of(told: Json, body: str) -> Content:
    """From named values, as files and tables have them. Raises Invalid."""
    owner = told.get("owner")
    person = User.objects.filter(username=storable(str(owner))).first() if owner else None
    due = told.get("review_by")
    due = due.date() if isinstance(due, datetime) else due
    try:
        review_by = due if isinstance(due, date) or not due else date.fromisoformat(str(due))
    except ValueError as error:
        raise Invalid("review_by: a date is written as 2027-02-14.") from error
    readers = told.get("readers") or []
    if not isinstance(readers, list):
        raise Invalid("readers: a list of roles.")
    return Content(
        str(told.get("kind") or "runbook"),
        str(told.get("title") or ""),
        str(told.get("rule") or "").strip(),
        body.strip(),
        typed.parse(told.get("hints") or []),
        tuple(map(str, readers)),
        review_by or None,
        person,
    )


def _content(told: Json, body: str, name: str) -> Content:
    title = told.get("title") or _heading(body) or name.rpartition("/")[2].removesuffix(".md").replace("-", " ")
    return content_of({**told, "title": title}, body)


def _parts(text: str, name: str) -> tuple[Json, str]:
    """The front matter, and the text below it; a file without front matter is all text."""
    if not text.startswith(f"{MARK}\n"):
        return {}, text
    head, found, body = text[len(MARK) + 1 :].partition(f"\n{MARK}\n")
    if not found:
        raise Invalid(f"{name}: the front matter is not closed by {MARK}.")
    try:
        told = yaml.load(head, Loader=_Loader)  # noqa: S506  (a safe loader, without aliases)
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Invalid(f"{name}: the front matter cannot be read: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(told, dict):
        raise Invalid(f"{name}: the front matter is a list of names and values.")
    return told, body


def _heading(body: str) -> str:
    return next((line.lstrip("# ").strip() for line in body.splitlines() if line.startswith("# ")), "")


def _key(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
