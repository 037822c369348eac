"""What a live message is drawn from: the incident, its newest diagnosis and proposal, in a constant number of reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models.functions import Now

from app.core.redact import redact
from approvals import queries
from approvals.demands import lacking
from approvals.models import Decision, Execution, Proposal
from approvals.restrained import unsigned
from approvals.signing import given_to, undoable
from incidents.models import Diagnosis, Incident

LONG = 600  # characters of one passage; the rest is a click away


@dataclass(frozen=True)
class View:
    """One incident as it is now. `now` is the database's clock, because hosts disagree."""

    incident: Incident
    diagnosis: Diagnosis | None
    proposal: Proposal | None
    given: tuple[Decision, ...]  # signatures that count
    needed: int
    now: datetime

    @property
    def link(self) -> str:
        return f"{settings.URL}/incidents/{self.incident.number}/"

    @property
    def is_late(self) -> bool:
        """Nobody decided in time, whether or not the schedule has said so yet."""
        until = self.proposal.expires_at if self.proposal else None
        return until is not None and until <= self.now

    @property
    def forward(self) -> Execution | None:
        runs: list[Any] = list(self.proposal.executions.all()) if self.proposal else []
        return next((run for run in runs if run.direction == "forward"), None)

    @property
    def undo_until(self) -> datetime | None:
        until: datetime | None = undoable(self.proposal, self.forward) if self.proposal else None
        return until


def view(number: int) -> View:
    """Raises Incident.DoesNotExist."""
    found = Incident.objects.select_related("root_asset", "connection", "owner").annotate(clock=Now())
    incident = found.get(number=number)
    proposal = queries.newest(number)
    given = tuple(given_to(proposal)) if proposal else ()
    return View(
        incident=incident,
        diagnosis=Diagnosis.objects.filter(incident=incident).order_by("-pk").first(),
        proposal=proposal,
        given=given,
        needed=needed(proposal, given) if proposal else 0,
        now=incident.clock,
    )


def needed(proposal: Proposal, given: tuple[Decision, ...]) -> int:
    """How many people sign, those whom a note or the policy names included."""
    also = unsigned(proposal.policy.get("also", []), list(given))
    groups = lacking(proposal.policy, given)
    return max(int(proposal.policy.get("quorum", 1)), 1, len(given) + max(len(also), len(groups)))


def line(text: object, limit: int = LONG) -> str:
    """One line of what somebody wrote: no secret, no more than fits."""
    said = redact(" ".join(str(text or "").split()))
    return said if len(said) <= limit else f"{said[: limit - 1].rstrip()}…"


def clock(at: datetime | None, beside: datetime) -> str:
    """`03:02` on the day of `beside`, else with its day; UTC."""
    if at is None:
        return ""
    return f"{at:%H:%M}" if at.date() == beside.date() else f"{at:%-d %b %H:%M}"


def groups(fingerprint: str, many: int = 4) -> str:
    """The first groups of four of a fingerprint, as the console shows them."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, min(len(fingerprint), many * 4), 4))
