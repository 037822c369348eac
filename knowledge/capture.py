"""What happened becomes the draft of a note, for a person to correct and sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from app.core.audit import Actor, Source
from app.core.models import User
from knowledge.hints import Hint
from knowledge.models import Entry
from knowledge.rule import Condition, rule_for
from knowledge.write import TITLE_LIMIT, Content, checked, keep


@dataclass(frozen=True)
class Lesson:
    """What an incident taught, or a rejection, or a thread; from whoever tells it."""

    incident: int
    asset: str  # name
    # In one line each, as far as known.
    happened: str
    cause: str = ""
    healed_by: str = ""
    # What a person said, in their words: the reason of a rejection, replies in a thread.
    words: tuple[str, ...] = ()
    failure_class: str = ""
    subtype: str = ""
    hints: tuple[Hint, ...] = ()
    # incident, or model where a model put it into words.
    origin: str = "incident"


def draft_from(lesson: Lesson, *, by: User | None, actor: Actor, source: str | Source) -> Entry:
    """A draft, not used in any diagnosis until somebody signs it; `by` is its author where a person asked for it.

    The same lesson of the same incident told twice is one draft.
    """
    content = content_of(lesson, owner=by)
    checked(content)
    with transaction.atomic():
        known = Entry.objects.filter(
            incident_number=lesson.incident, state="draft", title=content.title, body=content.body
        ).first()
        if known:
            return known
        made = Entry(author=by, state="draft", origin=lesson.origin, incident_number=lesson.incident)
        keep(made, content, "knowledge.drafted", by=by, actor=actor, source=source)
    return made


def content_of(lesson: Lesson, *, owner: User | None = None) -> Content:
    """What the draft would say."""
    return Content("annotation", _title(lesson), _rule(lesson), _body(lesson), lesson.hints, owner=owner)


def _title(lesson: Lesson) -> str:
    said = " ".join((lesson.words[0] if lesson.words else lesson.cause or lesson.happened).split())
    return said if len(said) <= TITLE_LIMIT else f"{said[: TITLE_LIMIT - 2].rsplit(' ', 1)[0]} …"


def _rule(lesson: Lesson) -> str:
    lines = [rule_for(lesson.asset)] if lesson.asset else []
    lines += [str(Condition("subtype", "=", (lesson.subtype,)))] if lesson.subtype else []
    return "\n".join(lines)


def _body(lesson: Lesson) -> str:
    parts = [
        ("What happened", [lesson.happened]),
        ("Why", [lesson.cause]),
        ("What healed it", [lesson.healed_by]),
        ("In people's words", _quoted(lesson.words)),
    ]
    return "\n\n".join(f"## {title}\n" + "\n".join(lines) for title, lines in parts if any(lines))


def _quoted(words: Sequence[str]) -> list[str]:
    return [f"> {line}" for said in words for line in said.strip().splitlines()]
