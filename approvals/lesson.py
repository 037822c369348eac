"""What a rejection teaches: its words become the draft of a note, for a person to correct and sign."""

from __future__ import annotations

from approvals.models import Decision, Proposal
from knowledge.capture import Lesson


def lesson_of(proposal: Proposal, rejection: Decision) -> Lesson:
    incident = proposal.incident
    return Lesson(
        incident=incident.number,
        asset=incident.root_asset.name,
        happened=f"{proposal.title} was proposed for {incident} ({incident.title}) and rejected.",
        cause=incident.summary,
        words=(rejection.comment,),
        failure_class=incident.failure_class,
        subtype=incident.subtype,
    )
