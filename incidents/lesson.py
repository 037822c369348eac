"""What an incident taught, as far as the system knows: the draft of a note, for a person to correct."""

from __future__ import annotations

import re
from typing import Any

from incidents.models import Comment, Incident
from knowledge.capture import Lesson

OURS = re.compile(r"in production, by event \d+\.$")  # what incidents/resolve.py says when nobody said anything
COMMENTS = 5  # the last ones that people wrote
HEALED = {
    "fixed": "A fix was signed and published",
    "upstream_fixed": "It was put right upstream",
    "expected": "Nothing: the change was meant",
    "false_positive": "Nothing: it was a false alarm",
    "duplicate": "Nothing: another incident had it already",
    "no_action": "Nothing was done",
}


def lesson(incident: Incident) -> Lesson:
    """From its diagnosis, its end, rejections of its proposals, and what people said."""
    found = incident.diagnoses.order_by("-pk").first()
    return Lesson(
        incident.number,
        incident.root_asset.name,
        incident.title,
        cause=found.root_cause if found and not found.inconclusive else "",
        healed_by=_healed(incident),
        words=tuple(_words(incident)),
        subtype=incident.subtype,
        failure_class=incident.failure_class,
    )


def is_told(incident: Incident) -> bool:
    """Whether there is something to learn from yet: it ended, or a person rejected what was proposed."""
    return incident.status == "resolved" or incident.proposals.filter(decisions__decision="reject").exists()


def _healed(incident: Incident) -> str:
    if incident.status != "resolved":
        return ""
    done = incident.proposals.filter(status__in=["done", "validating"]).order_by("-pk").first()
    how = f": `{done.action}`, {done.title}" if done else ""
    return f"{HEALED.get(incident.resolution, 'It is over')}{how}."


def _words(incident: Incident) -> list[str]:
    """Reasons of rejections first, because they say what the system got wrong; then the resolution, then comments."""
    # By the name of the relation, because this chapter may not import the later one.
    rejected: Any = incident.proposals.filter(decisions__decision="reject").order_by("-decisions__pk")
    said = [words for words in rejected.values_list("decisions__comment", flat=True)[:COMMENTS] if words]
    ended = "" if OURS.search(incident.resolution_comment) else incident.resolution_comment
    latest = Comment.objects.filter(incident=incident).order_by("-pk").values_list("text", flat=True)[:COMMENTS]
    return [*said, *([ended] if ended and incident.resolved_at else []), *reversed(latest)]
