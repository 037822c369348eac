"""What did the system not know? A resolved incident becomes the draft of a note."""

from __future__ import annotations

from app.core.audit import Actor, Source
from app.core.errors import Invalid
from app.core.models import User
from app.core.roles import require
from incidents.models import Diagnosis, Incident
from knowledge.capture import Lesson, draft_from
from knowledge.models import Entry

WORDS_LIMIT = 4_000  # characters


def teach(incident: Incident, words: str, *, by: User, actor: Actor, source: str | Source) -> Entry:
    """The draft of what `words` say, with what happened, why, and what healed it. Raises NotAllowed, Invalid."""
    require(by, "knowledge.write")
    if len(words) > WORDS_LIMIT:
        raise Invalid(f"At most {WORDS_LIMIT} characters, please.")
    said = words.strip()
    found = lesson_of(incident, (said,) if said else ())
    return draft_from(found, by=by, actor=actor, source=source)


def lesson_of(incident: Incident, words: tuple[str, ...] = ()) -> Lesson:
    """What happened, from the newest diagnosis and the fix that was carried out."""
    diagnosis = Diagnosis.objects.filter(incident=incident).order_by("-pk").first()
    fix = incident.proposals.filter(status="done").order_by("-pk").first()
    ended = f"{incident.resolution.replace('_', ' ')}. {incident.resolution_comment}".strip(". ")
    return Lesson(
        incident=incident.number,
        asset=incident.root_asset.name,
        happened=incident.title,
        cause=diagnosis.root_cause if diagnosis and not diagnosis.inconclusive else "",
        healed_by=fix.title if fix else ended,
        words=words,
        failure_class=incident.failure_class,
        subtype=incident.subtype,
    )
