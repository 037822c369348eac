"""How far an incident is, in the words and marks that people see. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from app.core.models import AuditRecord

STEPS = ["Detected", "Diagnosed", "Staged", "Verified", "Decision", "Published", "Validated"]

# Actions that publish nothing, and what they do instead: while it is carried out, and when it was.
RERUNS = {"retry", "retry_later", "rerun_with_parameters"}
CARRIED_OUT = {"ask_owner": ("Asking", "Asked"), "close_as_expected": ("Closing", "Closed")}
CARRIED_OUT |= dict.fromkeys(RERUNS, ("Running again", "Ran again"))

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
    "proposal.done": 5,  # where nothing is left to validate
    "incident.resolved": 6,
}
# Events after which earlier steps no longer count, and how many remain.
RESETS = {"incident.diagnosing": 1, "incident.open": 1, "proposal.drafted": 2, "incident.proposing": 2}


@dataclass(frozen=True)
class Newest:
    """What the newest proposal of an incident says of the way that it goes."""

    status: str = ""
    action: str = ""
    is_rehearsed: bool = True
    expires_at: datetime | None = None

    @property
    def steps(self) -> list[str]:
        names = list(STEPS)
        if not self.is_rehearsed:
            names[2:4] = ["Prepared", "Checked"]
        names[5] = CARRIED_OUT.get(self.action, ("", names[5]))[1]
        if self.action == "ask_owner":
            names[6] = "Answered"
        return names


NONE = Newest()


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


def standing(status: str, newest: Newest = NONE) -> Standing:
    here = Standing(*(FINER.get((status, newest.status)) or WORDS[status]))
    if status == "fixing" and newest.action in CARRIED_OUT:
        return replace(here, word=CARRIED_OUT[newest.action][0])
    if here.word == "Staging" and not newest.is_rehearsed:
        return replace(here, word="Preparing")
    return here


def stepper(status: str, newest: Newest, trail: Iterable[AuditRecord], note: str = "") -> list[Step]:
    """The seven steps with the time at which each ended, read from the trail; the first end of a step counts."""
    names = newest.steps
    times: dict[int, datetime] = {}
    for record in trail:
        if record.event in RESETS:
            times = {step: at for step, at in times.items() if step < RESETS[record.event]}
        if record.event in ENDS:
            times.setdefault(ENDS[record.event], record.time)
    here = standing(status, newest)
    done = max(len(times), 1) if status in {"escalated", "waiting_on_person"} else here.done
    if status == "resolved":
        return [Step(name, "done" if step in times else "", times.get(step)) for step, name in enumerate(names)]
    steps = []
    for step, name in enumerate(names):
        state = "done" if step < done else ("stopped" if status == "escalated" else "now") if step == done else ""
        steps.append(Step(name, state, times.get(step) if step < done else None, note if step == done else ""))
    return steps
