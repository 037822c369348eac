"""What the live message says in each of its states. Pure: the messenger escapes, the nonces come later."""

from __future__ import annotations

from approvals.live.buttons import buttons
from approvals.live.says import SAYS, sentence
from approvals.live.states import state_of
from approvals.live.view import View, clock, groups, line
from approvals.models import Proposal
from approvals.report_page import summary, undo_of
from approvals.seen import clauses
from integrations.cards import Card

TITLE = 60  # characters, of Slack's header that a phone shows whole


def card(view: View) -> tuple[str, Card]:
    """(state, card without nonces)."""
    state = state_of(view)
    says = SAYS[state]
    return state, Card(
        title=line(f"{view.incident}: {view.incident.title}", TITLE),
        lead=_lead(view, state),
        facts=_facts(view, state),
        state=line(says(view), 1_000),
        buttons=buttons(view, state),
        context=_context(view, state),
        link=view.link,
    )


# --- the parts ---------------------------------------------------------------------------------------------------

WITH_CAUSE = {"preparing", "waiting", "window", "asked", "escalated", "inconclusive"}
UNDECIDED = {"waiting", "signing"}
BEFORE_A_PLAN = {"opened", "diagnosing", "reopened", "preparing", "escalated", "inconclusive"}


def _lead(view: View, state: str) -> str:
    found = view.diagnosis
    if state in WITH_CAUSE and found and not found.inconclusive:
        return line(f"{_opinion(view)}{sentence(found.root_cause)} Confidence {found.confidence}.")
    if state == "inconclusive" and found:
        return line(found.root_cause)
    if view.proposal and state not in BEFORE_A_PLAN:
        return line(view.proposal.title)
    return line(f"{view.incident.root_asset} on {view.incident.connection}.")


def _opinion(view: View) -> str:
    """A model's words are said to be a model's."""
    by_model = view.diagnosis and any(claim.get("by") == "model" for claim in view.diagnosis.claims[:1])
    return "The model says: " if by_model else ""


def _facts(view: View, state: str) -> tuple[tuple[str, str], ...]:
    """Six in a fixed order, so that the eye learns the places; none when there is nothing more to weigh."""
    if state in BEFORE_A_PLAN:
        return _about_incident(view)
    return _about_plan(view, view.proposal) if view.proposal and state in {*UNDECIDED, "window"} else ()


def _about_incident(view: View) -> tuple[tuple[str, str], ...]:
    incident = view.incident
    known = " / ".join(word for word in (incident.failure_class, incident.subtype.replace("_", " ")) if word)
    return (
        ("Asset", line(incident.root_asset, 200)),
        ("Severity", incident.severity),
        ("Owner", line(owner(view), 200)),
        ("Since", f"{incident.opened_at:%-d %b %H:%M} UTC"),
        ("Class", line(known or "Not known yet", 200)),
        ("Impact", _impact(view)),
    )


def _about_plan(view: View, proposal: Proposal) -> tuple[tuple[str, str], ...]:
    label = str(proposal.effect.get("label") or "")
    until = f", expires {clock(proposal.expires_at, view.incident.opened_at)} UTC" if proposal.expires_at else ""
    return (
        ("Proposed fix", line(proposal.title, 300)),
        (line(f"Effect, {label}" if label else "Effect", 100), line(_effect(proposal), 400)),
        ("Rehearsed on", line(_rehearsed(proposal), 200)),
        ("Risk", line(_risk(proposal), 200)),
        ("Impact", _impact(view)),
        ("Signatures", f"{len(view.given)} of {view.needed}{until}"),
    )


def owner(view: View) -> str:
    told = view.incident.root_asset.owner
    known = told.get("name") or told.get("email")
    return str(view.incident.owner.label if view.incident.owner else known or "Nobody yet")


def _impact(view: View) -> str:
    return f"{view.incident.downstream_count} downstream, {view.incident.dashboard_count} dashboards"


def _effect(proposal: Proposal) -> str:
    said = proposal.effect
    if said.get("now") or said.get("branch"):
        band = f", expected {said['expected']}" if said.get("expected") else ""
        return f"{said.get('now')} to {said.get('branch')}{band}"
    return str(said.get("line") or proposal.plan.get("why") or "")


def _rehearsed(proposal: Proposal) -> str:
    checks = summary(proposal)
    counted = f"{checks['good']} of {checks['of']} checks" if checks.get("of") else "no checks"
    branch = next((str(one.get("name", "")) for one in proposal.branches), "")
    return f"{branch or 'a branch'}, {counted}" if proposal.rehearsal == "branch" else f"Not rehearsed, {counted}"


def _risk(proposal: Proposal) -> str:
    undoing = undo_of(proposal)
    took = f", {undoing['seconds']:.0f} s" if undoing.get("seconds") else ""
    undo = f". Undo rehearsed{took}" if undoing.get("rehearsed") else ""
    destroys = clauses(proposal.plan).words
    contains = f". Contains {', '.join(destroys)}" if destroys else ""
    return f"{proposal.risk.capitalize()}{contains}{undo}"


def _context(view: View, state: str) -> tuple[str, ...]:
    proposal = view.proposal
    if proposal is None or not proposal.fingerprint or state in {*BEFORE_A_PLAN, "resolved"}:
        return ()
    plan = f"Plan {groups(proposal.fingerprint)}."
    if state not in UNDECIDED:
        return (plan,)
    rule = line(proposal.policy.get("rule"), 200)
    return (f"{rule}." if rule else "", f"{plan} A change to the plan voids this message.")
