"""Which of its states a live message is in. Pure."""

from __future__ import annotations

from approvals.live.view import View

LIVE_WORK = {"drafted", "staging", "verifying"}
LAPSED = {"expired", "superseded"}
ENDED = {*LAPSED, "rejected", "changes_requested", "verification_failed", "blocked", "failed", "undone"}


def state_of(view: View) -> str:
    """One word for what the card says; `cards.py` has what each looks like."""
    status = view.incident.status
    if status == "resolved":
        return "done" if view.proposal and view.proposal.status == "done" else "resolved"
    if status in {"open", "diagnosing"}:
        return _looking(view, status)
    if status == "awaiting_decision":
        return _awaiting(view)
    if status == "escalated":
        return _escalated(view)
    return {"proposing": "preparing", "watching": "window", "waiting_on_person": "asked"}.get(status, "running")


def _looking(view: View, status: str) -> str:
    """A proposal that lapsed can be staged again while its incident is looked at afresh."""
    if view.proposal and view.proposal.status in LAPSED and not _diagnosed_since(view):
        return view.proposal.status
    if view.incident.reopened and not _diagnosed_since(view):
        return "reopened"
    return "opened" if status == "open" else "diagnosing"


def _awaiting(view: View) -> str:
    if view.proposal is None:
        return "preparing"
    if view.proposal.status in ENDED:
        return view.proposal.status
    if view.is_late:
        return "expired"
    return "signing" if view.given else "waiting"


def _escalated(view: View) -> str:
    if view.proposal and view.proposal.status in ENDED and not _diagnosed_since(view):
        return view.proposal.status
    return "inconclusive" if view.diagnosis and view.diagnosis.inconclusive else "escalated"


def _diagnosed_since(view: View) -> bool:
    """Whether there is a newer diagnosis than the one that the proposal heals."""
    if view.proposal is None or view.diagnosis is None:
        return False
    return view.diagnosis.at > view.proposal.created_at
