"""The signing bar: which of its states a proposal is in for one person, and its ruled lines. Pure, given the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from app.core.models import User
from app.core.roles import may
from approvals.authority import is_own
from approvals.demands import counts, lacking, unfit
from approvals.models import Decision, Execution, Proposal
from approvals.restrained import unsigned
from approvals.reversible import left_to_undo
from approvals.undo import HOURS

DOORS = {"web": "on the web", "slack": "in Slack", "api": "through the API"}
ORDINALS = ["First", "Second", "Third", "Fourth", "Fifth"]
# status of the proposal -> template of the bar, where it does not depend on who looks
STATES = {
    "drafted": "preparing",
    "staging": "preparing",
    "verifying": "preparing",
    "verification_failed": "check_failed",
    "approved": "executing",
    "executing": "executing",
    "validating": "executing",
    "done": "published",
    "expired": "expired",
    "superseded": "stale",
    "undone": "closed",
    "failed": "closed",
    "rejected": "closed",
    "changes_requested": "closed",
    "blocked": "closed",
}
VOID = {"expired", "superseded", "changes_requested"}
VERBS = [("publish", "publish"), ("ask", "send"), ("close", "close"), ("rerun", "run")]  # step kind -> word, first wins


@dataclass(frozen=True)
class Line:
    """One ruled line: `signed`, `open` (yours), `wait` (another person's) or `void`."""

    state: str
    name: str
    small: str
    is_mine: bool = False


@dataclass(frozen=True)
class Bar:
    state: str
    lines: list[Line]
    needed: int
    given: int
    verb: str
    why_not: str = ""

    @property
    def template(self) -> str:
        return f"approvals/sign/_{self.state}.html"

    @property
    def is_last(self) -> bool:
        return self.given + 1 >= self.needed

    @property
    def button(self) -> str:
        return f"Approve & {self.verb}" if self.is_last else f"Approve, {self.given + 1} of {self.needed}"


def bar(proposal: Proposal, user: User) -> Bar:
    given = given_to(proposal)
    state, why_not = _state(proposal, user, given)
    also = unsigned(proposal.policy.get("also", []), given) if state in {"yours", "signed", "forbidden"} else []
    groups = lacking(proposal.policy, given)
    needed = max(int(proposal.policy.get("quorum", 1)), 1, len(given) + max(len(also), len(groups)))
    return Bar(state, _lines(proposal, state, user, given, needed), needed, len(given), verb(proposal), why_not)


def given_to(proposal: Proposal) -> list[Decision]:
    """Signatures over these bytes by people who may sign today; `proposal.decisions` may be prefetched."""
    rows = [row for row in proposal.decisions.all() if row.decision == "approve" and row.withdrawn_at is None]
    kept = [row for row in rows if row.fingerprint == proposal.fingerprint and _counts(proposal, row)]
    return sorted(kept, key=lambda row: row.pk)


def _counts(proposal: Proposal, row: Decision) -> bool:
    return may(row.by, "proposal.decide") and counts(proposal.policy, row)


def verb(proposal: Proposal) -> str:
    """What the last signature sets off, in one word."""
    return "schedule" if proposal.plan.get("window") else _does(proposal)


def _does(proposal: Proposal) -> str:
    kinds = {step.get("kind") for step in proposal.plan.get("steps", []) if step.get("where") == "production"}
    return next((word for kind, word in VERBS if kind in kinds), "go on")


def carried_out(proposal: Proposal) -> str:
    """What was done, in words for before its time: `Published`, `Ran again`, `Asked Carla Reyes,`."""
    asked = next((s["params"].get("to", {}) for s in proposal.plan.get("steps", []) if s.get("kind") == "ask"), None)
    if asked is not None:
        return f"Asked {asked.get('name') or asked.get('email') or 'the owner'},"
    return {"run": "Ran again", "close": "Closed", "publish": "Published"}.get(_does(proposal), "Carried out")


def undoable(proposal: Proposal, forward: Execution | None) -> Any:
    """Until when the published fix can be taken back; None when it cannot."""
    if forward is None or forward.finished_at is None or proposal.status not in {"done", "failed"}:
        return None
    if not left_to_undo(forward.steps.all()):
        return None
    until = forward.finished_at + timedelta(hours=HOURS)
    return until if until > timezone.now() else None


def _state(proposal: Proposal, user: User, given: Sequence[Decision]) -> tuple[str, str]:
    if proposal.status != "awaiting_decision":
        return STATES[proposal.status], ""
    if proposal.expires_at and proposal.expires_at <= timezone.now():
        return "expired", ""
    if any(row.by_id == user.pk for row in given):
        return "signed", ""
    if why_not := _why_not(proposal, user):
        return "forbidden", why_not
    return "yours", ""


def _why_not(proposal: Proposal, user: User) -> str:
    if not may(user, "proposal.decide"):
        return (
            "You can read and comment. Signing needs the approver role."
            if may(user, "incident.work")
            else ("You can read. Signing needs the approver role.")
        )
    if is_own(proposal, user):
        return "You supplied this plan, so another person must sign it."
    return unfit(proposal.policy, user)


def _lines(proposal: Proposal, state: str, user: User, given: Sequence[Decision], needed: int) -> list[Line]:
    is_void = proposal.status in VOID or state == "expired"
    lines = [_given(proposal, row, user, is_void) for row in given]
    for at in range(len(given), needed):
        name = f"{ORDINALS[at]} signature" if needed > 1 and at < len(ORDINALS) else "Signature"
        if state == "yours" and at == len(given):
            lines.append(Line("open", "Your signature", _effect_of(proposal, at + 1, needed)))
        else:
            lines.append(Line("wait", name, _missing(proposal, state)))
    return lines


def _given(proposal: Proposal, row: Decision, user: User, is_void: bool) -> Line:
    is_mine = row.by_id == user.pk
    if is_void:
        why = "expired" if proposal.status == "expired" else "given for an older base"
        return Line("void", row.by.label, f"Void, {why}")
    at = f"{row.at:%H:%M}" if row.at.date() == timezone.now().date() else f"{row.at:%-d %b %H:%M}"
    short = f"{row.fingerprint[:4]} {row.fingerprint[4:8]}"
    return Line(
        "signed", "You" if is_mine else row.by.label, f"Signed {at} {DOORS.get(row.door, '')}, {short}", is_mine
    )


def _effect_of(proposal: Proposal, at: int, needed: int) -> str:
    if at < needed:
        return f"{at} of {needed}. Publishes nothing yet."
    says = {"schedule": "Starts in its window.", "send": "Sends the request.", "run": "Runs at once."}
    return f"{at} of {needed}. {says.get(verb(proposal), 'Publishes at once.')}"


def _missing(proposal: Proposal, state: str) -> str:
    if state == "check_failed":
        return "Locked"
    if state in {"expired", "stale"}:
        return "After re-staging"
    if state in {"closed", "published", "executing"}:
        return "Not given"
    roles = proposal.policy.get("roles") or ["approver"]
    return "When the rehearsal is done" if state == "preparing" else f"Another {' or '.join(roles)}"
