"""What the live message says happened last, in one sentence or two for each of its states. Pure."""

from __future__ import annotations

from collections.abc import Callable

from approvals.live.view import View, clock, line
from approvals.models import Proposal
from approvals.signing import carried_out, verb

AFTER = {"send": "sends the request", "run": "starts the run", "close": "closes the incident", "publish": "publishes"}


def _opened(view: View) -> str:
    return "Opened. Logs, lineage and runs are being read. No action needed."


def _reopened(view: View) -> str:
    return "Opened again. What was fixed came back, and is looked at afresh."


def _preparing(view: View) -> str:
    proposal = view.proposal
    if proposal and proposal.status in {"staging", "verifying"}:
        return f"Proposal {proposal.number} is rehearsed: {line(proposal.title, 200)}. No action needed."
    return "Diagnosed. A fix is looked for and rehearsed. No action needed."


def _waiting(view: View) -> str:
    if view.proposal and view.proposal.risk == "high":
        return "Waits for signatures. High risk is signed in the console, with a second factor."
    return f"Waits for {view.needed} signatures." if view.needed > 1 else "Waits for a signature."


def _signing(view: View) -> str:
    left, does = view.needed - len(view.given), verb(_of(view))
    then = "starts it in its window" if does == "schedule" else f"{AFTER.get(does, 'carries it out')} at once"
    last = f"The next signature {then}." if left == 1 else f"{left} more are needed."
    return f"{len(view.given)} of {view.needed} signed: {_signers(view)}. {last}"


def _running(view: View) -> str:
    run = view.forward
    steps = sorted(run.steps.all(), key=lambda step: step.number) if run else []
    done = [step for step in steps if step.status in {"done", "skipped"}]
    now = next((step.title for step in steps if step.status == "running"), "")
    if _of(view).status == "validating":
        return f"{carried_out(_of(view))}. Production is checked now. {_approved(view)}"
    at = f" Step {len(done) + 1} of {len(steps)}: {line(now, 200)}." if now else f" {len(done)} of {len(steps)} steps."
    return f"{_approved(view)} Running.{at if steps else ''}"


def _window(view: View) -> str:
    opens = _of(view).not_before if view.proposal else None
    return f"{_approved(view)} Starts in its window, {opens:%-d %b %H:%M} UTC." if opens else _approved(view)


def _done(view: View) -> str:
    run, left, near = view.forward, view.incident.follow_up_left, view.incident.opened_at
    at = f" {clock(run.finished_at, near)}" if run and run.finished_at else ""
    follow = f" Follow-up on the next {left} run{'s' * (left != 1)}." if left else ""
    undo = f" Undo in the console until {view.undo_until:%-d %b %H:%M} UTC." if view.undo_until else ""
    return f"{carried_out(_of(view))}{at}. Signed by {_signers(view) or 'nobody'}.{follow}{undo}"


def _asked(view: View) -> str:
    asked = _of(view).requests.order_by("-pk").first() if view.proposal else None
    if asked is None:
        return "Waits for a person's answer."
    return f"{line(asked.to_name, 100)} was asked. An answer is due {asked.due_at:%-d %b %H:%M} UTC."


def _expired(view: View) -> str:
    return f"This proposal can no longer be signed: nobody did in time.{_void(view)}"


def _superseded(view: View) -> str:
    why = sentence(_of(view).status_reason or "Production moved since staging.")
    return f"This proposal can no longer be signed. {why}{_void(view)}"


def _rejected(view: View) -> str:
    return f"Rejected{_by(view, 'reject')}: {sentence(_of(view).status_reason)}"


def _changes_requested(view: View) -> str:
    return f"Changes were asked for{_by(view, 'request_changes')}: {sentence(_of(view).status_reason)}"


def _verification_failed(view: View) -> str:
    why = _of(view).status_reason
    return (
        f"Proposal {_of(view).number} failed its rehearsal and cannot be signed. {sentence(why)} A person has to look."
    )


def _blocked(view: View) -> str:
    return f"The safety rules blocked this proposal. {sentence(_of(view).status_reason)}"


def _failed(view: View) -> str:
    return f"Carrying it out failed. {sentence(_of(view).status_reason)} A person has to look."


def _undone(view: View) -> str:
    back = next((run for run in _of(view).executions.all() if run.direction == "undo"), None)
    who = f" Asked for by {line(back.asked_by.label, 80)}." if back and back.asked_by else ""
    return f"Taken back: production is as it was before the fix.{who} The incident is open again."


def _escalated(view: View) -> str:
    return "Needs a person: nothing of the catalogue heals it."


def _inconclusive(view: View) -> str:
    return "Inconclusive: the evidence does not decide it. A person has to say what it is."


def _resolved(view: View) -> str:
    why = view.incident.resolution.replace("_", " ") or "resolved"
    said = f" {sentence(view.incident.resolution_comment)}" if view.incident.resolution_comment else ""
    return f"Resolved: {why}.{said}"


SAYS: dict[str, Callable[[View], str]] = {
    "opened": _opened,
    "diagnosing": _opened,
    "reopened": _reopened,
    "preparing": _preparing,
    "waiting": _waiting,
    "signing": _signing,
    "running": _running,
    "window": _window,
    "done": _done,
    "asked": _asked,
    "expired": _expired,
    "superseded": _superseded,
    "rejected": _rejected,
    "changes_requested": _changes_requested,
    "verification_failed": _verification_failed,
    "blocked": _blocked,
    "failed": _failed,
    "undone": _undone,
    "escalated": _escalated,
    "inconclusive": _inconclusive,
    "resolved": _resolved,
}


# --- words -------------------------------------------------------------------------------------------------------


def _of(view: View) -> Proposal:
    if view.proposal is None:
        raise LookupError(f"{view.incident} has no proposal.")
    return view.proposal


def _signers(view: View) -> str:
    near = view.incident.opened_at
    return " and ".join(f"{line(row.by.label, 80)} {clock(row.at, near)}" for row in view.given)


def _approved(view: View) -> str:
    return f"Approved by {_signers(view)}." if view.given else "Approved."


def _void(view: View) -> str:
    many = len(view.given)
    return f" The {many} signature{'s' * (many != 1)} given {'is' if many == 1 else 'are'} void." if many else ""


def _by(view: View, decision: str) -> str:
    rows = [row for row in _of(view).decisions.all() if row.decision == decision]
    return f" {clock(rows[-1].at, view.incident.opened_at)} by {line(rows[-1].by.label, 80)}" if rows else ""


def sentence(text: str) -> str:
    said = line(text).rstrip()
    return f"{said}." if said and said[-1] not in ".!?…" else said
