"""Who may sign a proposal, and whether a signed one still rests on everything that was signed."""

from __future__ import annotations

from django.db.models.functions import Now

from app.core.audit import Actor
from app.core.errors import CountersignError, LostRace, NotAllowed
from app.core.lease import holds
from app.core.models import User
from app.core.roles import may, require
from approvals import fingerprint, kill_switch, policy, safety
from approvals.base import moved
from approvals.demands import counts, lacking, unfit
from approvals.models import Decision, Execution, Proposal
from approvals.plan import Plan
from approvals.restrained import missing, refusals
from integrations.values import Json

UNREADABLE = (LookupError, TypeError, ValueError, AttributeError)  # what a plan raises that someone has tampered with


class Void(CountersignError):
    """The approval no longer covers what would be done."""

    status, code = 409, "void"

    def __init__(self, field: str, message: str, code: str = "void") -> None:
        super().__init__(message)
        self.field, self.code = field, code


def require_signer(proposal: Proposal, by: User, actor: Actor) -> None:
    """Raises NotAllowed, with the reason in words, unless this person may decide on this proposal through this door."""
    if actor.type != "human" or actor.id != str(by.pk):
        raise NotAllowed("Only a person decides, and only for themselves.")
    if not by.is_active:
        raise NotAllowed("This account is disabled.")
    require(by, "proposal.decide")
    if "scopes" in actor.session and "decide" not in actor.session["scopes"]:
        raise NotAllowed("This token lacks the scope decide. Make one that has it, or sign in.")


def require_other_person(proposal: Proposal, by: User) -> None:
    """Raises NotAllowed for whoever supplied the plan's content."""
    if is_own(proposal, by):
        raise NotAllowed("You supplied this plan, so another person must sign it.")


def is_own(proposal: Proposal, user: User) -> bool:
    proposer = proposal.proposer
    return user.pk in proposal.editors or (proposer.get("type") == "human" and str(proposer.get("id")) == str(user.pk))


def signatures(proposal: Proposal) -> list[Decision]:
    """Those that count: not withdrawn, over these bytes, by people who may sign today, given as policy demands."""
    return _given(proposal, policy.requirement(proposal))


def is_signed(proposal: Proposal) -> bool:
    """Whether enough distinct people signed, those that the policy and the notes name among them."""
    need = policy.requirement(proposal)
    given = _given(proposal, need)
    people = {row.by_id for row in given}
    return len(people) >= _quorum(proposal, need) and not missing(proposal, given) and not lacking(need, given)


def _given(proposal: Proposal, need: Json) -> list[Decision]:
    rows = proposal.decisions.filter(decision="approve", withdrawn_at=None, fingerprint=proposal.fingerprint)
    return [row for row in rows.select_related("by") if _counts(proposal, row, need)]


def _quorum(proposal: Proposal, need: Json) -> int:
    """The policy's, never less than what was shown: a row that someone lowered does not lower it.

    What the safety layer always has confirmed needs a person even where no rule would ask for one.
    """
    plan = plan_of(proposal)
    always = 1 if plan is None or safety.confirmed(plan) else 0
    return max(int(need["quorum"]), int(proposal.policy.get("quorum", 1)), always)


def _counts(proposal: Proposal, row: Decision, need: Json) -> bool:
    is_fit = may(row.by, "proposal.decide") and not is_own(proposal, row.by)
    return is_fit and counts(need, row) and not unfit(proposal.policy, row.by)


def changed_fields(proposal: Proposal) -> list[str]:
    """Names of what differs from what was signed."""
    try:
        now = fingerprint.bind(proposal)
    except UNREADABLE:
        return ["plan"]
    except policy.Altered:
        return ["policy"]
    fields = fingerprint.differences(proposal.bound, now)
    if not fields and fingerprint.fingerprint_of(now) != proposal.fingerprint:
        fields = ["fingerprint"]
    if not _is_shown(proposal, now):
        fields = [*fields, "policy"]
    return list(dict.fromkeys(fields))


def _is_shown(proposal: Proposal, now: Json) -> bool:
    """Whether the policy that the page shows is the one that is bound: what people see is what they sign."""
    shown, bound = proposal.policy, now["policy"]
    return bool(shown.get("hash") == bound["hash"] and sorted(shown.get("also", [])) == bound["also"])


def plan_of(proposal: Proposal) -> Plan | None:
    """None when its bytes are no plan any more."""
    try:
        return Plan.from_json(proposal.plan)
    except UNREADABLE:
        return None


def recheck(execution: Execution, epoch: int, *, first: bool) -> None:
    """Everything that an approval binds, read again just before an effect (reliability.md section 2).

    `first` says that nothing has been done yet: only then do the deadline to start and the base count.
    Raises LostRace, Halted or Void.
    """
    if not holds(execution, epoch):
        raise LostRace(f"{execution} was taken over by another worker.")
    proposal = Proposal.objects.select_related("incident", "report").get(pk=execution.proposal_id)
    plan = plan_of(proposal)
    if plan is None:
        raise Void("plan", "The plan cannot be read any more.")
    kill_switch.require_off(plan)
    if first:
        _recheck_start(proposal)
    _recheck_bytes(proposal, execution)
    _recheck_people(proposal)
    if first and (gone := moved(proposal)):  # later it is we who moved it, and each publish compares and swaps
        raise Void("base", f"Production moved: {', '.join(gone)}.")


def _recheck_bytes(proposal: Proposal, execution: Execution) -> None:
    if fields := changed_fields(proposal):
        raise Void(fields[0], f"Not what was signed any more: {', '.join(fields)}.")
    if refused := refusals(Plan.from_json(proposal.plan)):
        raise Void("safety", " ".join(refused), safety.code_of(refused))
    if execution.fingerprint != proposal.fingerprint:
        raise Void("fingerprint", "This execution belongs to other bytes than the proposal's.")
    if not proposal.report.green:
        raise Void("report", "A check of the report is red.")


def _recheck_people(proposal: Proposal) -> None:
    if not is_signed(proposal):
        raise Void("person", "A signer was disabled, lost the role or withdrew, so signatures are missing.")


def _recheck_start(proposal: Proposal) -> None:
    row = Proposal.objects.filter(pk=proposal.pk)
    if not row.filter(start_by__gte=Now()).exists():
        raise Void("start_by", "It did not start in time after the last signature.")
    if row.filter(not_before__gt=Now()).exists():
        raise Void("not_before", "Its window is not open.")
    if proposal.incident.status not in {"fixing", "watching"}:
        raise Void("incident", f"The incident is {proposal.incident.status.replace('_', ' ')} by now.")
