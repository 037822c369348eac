"""What a person can do from the live message in each state. Pure; a button's nonce is filled in when it is sent."""

from __future__ import annotations

from approvals.live.view import View, groups, line
from approvals.models import Proposal
from approvals.signing import verb
from integrations.cards import Button

CONFIRM = 290  # characters, of the 300 that Slack allows
WHERE = "slack"  # as a policy names the door
RESTAGED = {"expired", "superseded", "verification_failed"}


def buttons(view: View, state: str) -> tuple[Button, ...]:
    proposal = view.proposal
    open_it = Button("open", "Open in console", url=view.link)
    if proposal is None or state in {"resolved", "opened", "diagnosing", "reopened", "inconclusive", "escalated"}:
        return (open_it,)
    if state in {"waiting", "signing"}:
        return _undecided(view, proposal)
    if state in RESTAGED:
        drift = Button("drift", "See drift" if state == "superseded" else "See why", url=f"{view.link}#proposal")
        return (Button("restage", "Re-stage", style="primary", confirm=_restaging(proposal)), drift)
    return (Button("open", "Open in console", url=f"{view.link}#proposal"),)


def is_signed_here(proposal: Proposal) -> bool:
    """Whether a signature may come from the message: never at high risk, and only where the policy takes this door."""
    rule = proposal.policy
    asks_more = proposal.risk == "high" or rule.get("second_factor") or rule.get("step_up")
    return not asks_more and WHERE in (rule.get("doors") or [WHERE])


def _undecided(view: View, proposal: Proposal) -> tuple[Button, ...]:
    page = f"{view.link}#proposal"
    sign = Button("sign", "Sign in console", url=page, style="primary")
    if is_signed_here(proposal):
        sign = Button("approve", _label(view, proposal), style="primary", confirm=effect(view, proposal))
    withdraw = Button("withdraw", "Withdraw mine", confirm="Takes back your own signature on this proposal.")
    return (
        sign,
        Button("reject", "Reject…"),
        Button("request_changes", "Ask for changes…"),
        *((withdraw,) if view.given else ()),
        Button("edit", "Edit in console", url=page),
    )


def _label(view: View, proposal: Proposal) -> str:
    at = len(view.given) + 1
    return f"Approve & {verb(proposal)}" if at >= view.needed else f"Approve, {at} of {view.needed}"


def effect(view: View, proposal: Proposal) -> str:
    """What one more signature sets off, step by step: asked before it counts."""
    at = len(view.given) + 1
    plan = f"Plan {groups(proposal.fingerprint)}, proposal {proposal.number} of {view.incident}."
    if at < view.needed:
        return (
            f"{plan} Signature {at} of {view.needed}: nothing happens yet. The last one will: {_steps(proposal, 120)}"
        )
    when = "in its window" if verb(proposal) == "schedule" else "at once"
    return f"{plan} The last signature: {when}, in production: {_steps(proposal, 170)}"


def _steps(proposal: Proposal, room: int) -> str:
    titles = [
        line(step.get("title"), 80) for step in proposal.plan.get("steps", []) if step.get("where") == "production"
    ]
    said = "; ".join(titles)
    if len(said) <= room:
        return f"{said}."
    kept = [title for at, title in enumerate(titles) if len("; ".join(titles[: at + 1])) <= room - 20]
    return f"{'; '.join(kept)}; and {len(titles) - len(kept)} more." if kept else f"{len(titles)} steps, see the plan."


def _restaging(proposal: Proposal) -> str:
    said = f"Rehearses “{line(proposal.title, 120)}” again on production as it is now. Nothing in production changes."
    return said[:CONFIRM]
