"""How far an incident is, in the words and marks that people see. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.core.models import AuditRecord

STEPS = ["Detected", "Diagnosed", "Staged", "Verified", "Decision", "Published", "Validated"]

# incident status -> (word, shape, steps done)
WORDS: dict[str, tuple[str, str, int]] = {
    "open": ("Opened", "work", 1),
    "diagnosing": ("Diagnosing", "work", 1),
    "proposing": ("Proposing", "work", 2),
    "awaiting_decision": ("Awaiting decision", "decide", 4),
    "escalated": ("Needs a person", "decide", 2),
    "fixing": ("Publishing", "work", 5),
    "validating": ("Validating", "work", 6),
    "watching": ("Waiting to retry", "watch", 5),
    "waiting_on_person": ("Waiting on a person", "watch", 5),
    "resolved": ("Resolved", "ok", 7),
}
# (incident status, status of its newest proposal) -> the same, where the proposal says more
FINER: dict[tuple[str, str], tuple[str, str, int]] = {
    ("proposing", "drafted"): ("Staging", "work", 2),
    ("proposing", "staging"): ("Staging", "work", 2),
    ("proposing", "verifying"): ("Verifying", "work", 3),
    ("awaiting_decision", "superseded"): ("Re-stage needed", "warn", 4),
    ("awaiting_decision", "expired"): ("Re-stage needed", "warn", 4),
    ("open", "superseded"): ("Re-stage needed", "warn", 4),
    ("open", "expired"): ("Re-stage needed", "warn", 4),
}
# The event that ends each step of the stepper.
ENDS = {
    "incident.open": 0,
    "incident.proposing": 1,
    "proposal.verifying": 2,
    "proposal.awaiting_decision": 3,
    "proposal.approved": 4,
    "proposal.validating": 5,
    "incident.resolved": 6,
}
# Events after which earlier steps no longer count, and how many remain.
RESETS = {"incident.diagnosing": 1, "incident.open": 1, "proposal.drafted": 2, "incident.proposing": 2}


@dataclass(frozen=True)
class Standing:
    word: str
    shape: str
    done: int

    @property
    def bars(self) -> list[str]:
        """Seven classes of the micro progress: done, now or warned, and still to come."""
        now = "w" if self.shape == "warn" else "n"
        return (["d"] * self.done + [now] + [""] * 7)[:7] if self.done < 7 else [""] * 7


@dataclass(frozen=True)
class Step:
    name: str
    state: str  # done, now, stopped, or empty for still to come
    at: datetime | None
    note: str = ""


def standing(status: str, proposal: str = "") -> Standing:
    return Standing(*(FINER.get((status, proposal)) or WORDS[status]))


def stepper(status: str, proposal: str, trail: Iterable[AuditRecord], note: str = "") -> list[Step]:
    """The seven steps with the time at which each ended, read from the trail."""
    times: dict[int, datetime] = {}
    for record in trail:
        if record.event in RESETS:
            times = {step: at for step, at in times.items() if step < RESETS[record.event]}
        if record.event in ENDS:
            times[ENDS[record.event]] = record.time
    here = standing(status, proposal)
    done = max(len(times), 1) if status in {"escalated", "waiting_on_person"} else here.done
    if status == "resolved":
        return [Step(name, "done" if step in times else "", times.get(step)) for step, name in enumerate(STEPS)]
    steps = []
    for step, name in enumerate(STEPS):
        state = "done" if step < done else ("stopped" if status == "escalated" else "now") if step == done else ""
        steps.append(Step(name, state, times.get(step) if step < done else None, note if step == done else ""))
    return steps
